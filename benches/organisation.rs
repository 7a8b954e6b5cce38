//! Made-up MoEngage organisations of any size, for measuring.
//!
//! The output follows `schemas/moengage.cedarschema` and resembles `examples/acme/snapshot.json`: people who are on a
//! member list and, by e-mail, in the people system; roles with permissions; LIVE and TEST with firewalls, keys,
//! attributes and connections; a log with its exports; and properties that the schema does not declare. Each instance
//! is on one line, without other white space. The same [`Organisation`] gives the same bytes everywhere.

use std::fmt::Write;

/// How an organisation is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Organisation {
    /// Members, over all workspaces.
    pub members: usize,
    /// Workspaces.
    pub workspaces: usize,
    /// Another seed, other people.
    pub seed: u64,
    /// The share of members, and of workspaces, that have a defect some check finds; from 0 to 1.
    pub share_failing: f64,
}

impl Organisation {
    /// Returns an organisation with a workspace for every 500 members, in which one in a thousand fails.
    pub(crate) fn of(members: usize) -> Self {
        Self { members, workspaces: members.div_ceil(500), seed: 1, share_failing: 0.001 }
    }

    /// Returns its snapshot as JSON text.
    pub(crate) fn to_json(self) -> String {
        let mut text = String::with_capacity(self.members * 700 + self.workspaces * 8000 + 4000);
        #[allow(clippy::let_underscore_must_use, reason = "a write to a string does not fail")]
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            r#"{{"schema_version":"2.0","snapshot_id":"2026-09-01-larch-and-rowan","captured_at":"2026-09-01T11:32:08.417203+05:30","#
        )?;
        writeln!(out, r#""collector":{{"name":"manual+csv","version":"0.1.0","operator":"sec-ops@larch.example"}},"#)?;
        writeln!(
            out,
            r#""organization":{{"name":"Larch & Rowan","plan_name":"enterprise","admin_contacts":["sec-ops@larch.example"]}},"#
        )?;
        self.policy_context(out)?;
        writeln!(out, r#""workspaces":["#)?;
        list(out, 0..self.workspaces, |out, at| self.workspace(out, at))?;
        writeln!(out, "],")?;
        writeln!(
            out,
            r#""evidence":[{{"covers":"/workspaces","method":"csv_members","file":"members.csv","captured_at":"2026-09-01T05:20:00Z","captured_by":"sec-ops@larch.example"}}]}}"#
        )
    }

    fn policy_context(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            r#""policy_context":{{"corporate_domains":["larch.example","rowan.example"],"approved_networks":["#
        )?;
        list(out, 0..NETWORKS.len(), |out, at| {
            write!(out, r#"{{"name":"{}","cidr":"{}"}}"#, NETWORKS[at].0, NETWORKS[at].1)
        })?;
        writeln!(
            out,
            r#"],"identity_roster":{{"source":"hris-export","captured_at":"2026-09-01T05:00:00Z","active_emails":["#
        )?;
        let people = || (0..self.members).filter(|at| self.person_of(*at) == *at).map(|at| self.person(at));
        list(out, people().filter(|person| person.is_employee()), |out, person| {
            write!(out, r#""{}""#, person.email())
        })?;
        writeln!(out, r#"],"entries":["#)?;
        list(out, people().filter(|person| !person.is_external()), |out, person| person.write_roster_entry(out))?;
        writeln!(out, r#"]}},"access_reviews":["#)?;
        list(out, (0..self.workspaces).step_by(REVIEWED_TOGETHER), |out, at| self.review(out, at))?;
        writeln!(
            out,
            r#"],"role_reviews":[{{"completed_at":"2026-06-15T09:00:00Z","reviewer":"sec-ops@larch.example","workspace_ids":["#
        )?;
        list(out, 0..self.workspaces, |out, at| write!(out, r#""{}""#, workspace_id(at)))?;
        writeln!(out, r#"]}}],"approved_uncovered_channels":[],"external_members":["#)?;
        list(
            out,
            people().filter(|person| person.is_external() && person.defect != Some(Defect::Unlisted)),
            |out, person| {
                write!(
                    out,
                    r#"{{"email":"{}","owner":"team-security","expires_at":"2026-12-31T00:00:00Z"}}"#,
                    person.email()
                )
            },
        )?;
        writeln!(
            out,
            r#"],"service_accounts":[{{"email":"reports@larch.example","owner":"team-security","expires_at":"2027-01-31T00:00:00Z"}}],"approved_privileged_roles":["#
        )?;
        list(out, 0..self.workspaces, |out, at| {
            write!(
                out,
                r#"{{"workspace_id":"{}","role_id":"regional-ops","expires_at":"2026-12-31T00:00:00Z"}}"#,
                workspace_id(at)
            )
        })?;
        writeln!(out, r#"],"break_glass":["#)?;
        let mut admins: Vec<usize> = (0..self.workspaces)
            .filter(|at| !self.members_of(*at).is_empty())
            .map(|at| self.person_of(self.members_of(at).start))
            .collect();
        admins.dedup();
        list(out, admins.into_iter(), |out, admin| {
            write!(
                out,
                r#"{{"email":"{}","approved_by":"ciso@larch.example","expires_at":"2026-12-31T00:00:00Z","tested_at":"2026-07-01T00:00:00Z"}}"#,
                self.person(admin).email()
            )
        })?;
        writeln!(out, r#"],"approved_export_roles":["#)?;
        list(out, 0..self.workspaces, |out, at| {
            let id = workspace_id(at);
            write!(
                out,
                r#"{{"workspace_id":"{id}","role_id":"Analyst","expires_at":"2026-12-31T00:00:00Z"}},{{"workspace_id":"{id}","role_id":"Manager","expires_at":"2026-12-31T00:00:00Z"}}"#
            )
        })?;
        writeln!(
            out,
            r#"],"approved_mcp_clients":["Desktop assistant"],"approved_write_connectors":["Issue tracker"],"approved_recipient_domains":["pixelforge.example"],"approved_publish_keys":["#
        )?;
        list(out, 0..self.workspaces, |out, at| {
            list(out, ["LIVE", "TEST"].iter(), |out, name| {
                write!(
                    out,
                    r#"{{"workspace_id":"{}","environment":"{name}","key_name":"campaign-planner","expires_at":"2026-12-31T00:00:00Z"}}"#,
                    workspace_id(at)
                )
            })
        })?;
        writeln!(out, r#"],"approved_exports":["#)?;
        list(out, 0..self.workspaces, |out, at| {
            list(out, ["LIVE", "TEST"].iter(), |out, name| {
                write!(
                    out,
                    r#"{{"workspace_id":"{}","environment":"{name}","connection_name":"warehouse-export","owner":"team-data","expires_at":"2026-12-31T00:00:00Z"}}"#,
                    workspace_id(at)
                )
            })
        })?;
        writeln!(out, r#"],"workspace_register":["#)?;
        list(out, 0..self.workspaces, |out, at| {
            write!(
                out,
                r#"{{"id":"{}","owner":"sec-ops@larch.example","allowed_data_centers":["DC-01","DC-02","DC-03","DC-04","DC-05"],"audiences":["hikers"]}}"#,
                workspace_id(at)
            )
        })?;
        writeln!(out, "]}},")
    }

    fn review(&self, out: &mut String, first: usize) -> std::fmt::Result {
        let last = (first + REVIEWED_TOGETHER).min(self.workspaces);
        let covered: usize = (first..last).map(|at| self.members_of(at).len()).sum();
        write!(
            out,
            r#"{{"completed_at":"2026-08-25T16:40:00+02:00","reviewer":"sec-ops@larch.example","members_covered":{covered},"workspace_ids":["#
        )?;
        list(out, first..last, |out, at| write!(out, r#""{}""#, workspace_id(at)))?;
        write!(out, "]}}")
    }

    fn workspace(&self, out: &mut String, at: usize) -> std::fmt::Result {
        let mut dice = Dice::of(self.seed, WORKSPACES + at as u64);
        let failing = dice.chance(self.share_failing);
        let plan = "enterprise";
        let classification = if at.is_multiple_of(5) { "non_production" } else { "production" };
        writeln!(
            out,
            r#"{{"id":"{}","name":"Larch & Rowan {}","data_center":"DC-0{}","#,
            workspace_id(at),
            dice.pick(&TOWNS),
            1 + dice.below(5)
        )?;
        writeln!(
            out,
            r#""plan":"{plan}","classification":"{classification}","features":{{"firewall":{{"available":true}},"audit_logs":{{"available":true}},"api_firewall":{{"available":true}},"scim":{{"available":true}},"api_key_dashboard":{{"available":true}}}},"time_zone":"Europe/Berlin","roles":["#
        )?;
        list(out, ROLES.iter(), |out, (id, name, permissions)| {
            let kind = if id.starts_with(char::is_uppercase) { "default" } else { "custom" };
            write!(out, r#"{{"id":"{id}","name":"{name}","kind":"{kind}","permissions":["#)?;
            list(out, permissions.iter(), |out, (component, levels)| {
                write!(out, r#"{{"components":["{component}"],"levels":{levels}}}"#)
            })?;
            write!(out, "]}}")
        })?;
        writeln!(out, r#"],"members":["#)?;
        let members = self.members_of(at);
        list(out, members.clone(), |out, member| self.member(out, member, member - members.start))?;
        writeln!(out, "],")?;
        let approved = !(failing && dice.chance(0.5));
        let people = || members.clone().take(4).map(|member| self.person(self.person_of(member)).email());
        // Whoever stands in for a place that a small workspace does not have.
        let by = |place: usize| people().nth(place).or_else(|| people().next()).unwrap_or_default();
        writeln!(
            out,
            r#""campaign_approval":{{"enabled":{approved},"uncovered_channels":[{{"channel":"facebook_audience","active_items":0}},{{"channel":"google_ads","active_items":0}},{{"channel":"cards","active_items":0}},{{"channel":"web_personalization","active_items":0}}],"evidence":{{"window_from":"2026-08-01T00:00:00Z","window_to":"2026-09-01T00:00:00Z","published_items":["#
        )?;
        list(out, 0..if people().count() > 3 { 8 } else { 0 }, |out, item| {
            write!(
                out,
                r#"{{"kind":"flow","id":"flow-{item}","created_by":"{}","published_by":"{}","approvers":["{}"]}}"#,
                by(3),
                by(item % 2),
                by(item % 2)
            )
        })?;
        writeln!(out, r#"]}}}},"audit_log":{{"enabled":true,"reviewed_up_to":"2026-08-28T00:00:00Z","exports":["#)?;
        list(out, EXPORTS.windows(2), |out, ends| {
            write!(
                out,
                r#"{{"exported_at":"{}T07:00:00Z","range_from":"{}T00:00:00Z","range_to":"{}T00:00:00Z"}}"#,
                ends[1], ends[0], ends[1]
            )
        })?;
        writeln!(out, r#"],"events":["#)?;
        list(out, 0..40, |out, _| event(out, &mut dice, &by(0)))?;
        writeln!(
            out,
            r#"]}},"reporting":{{"dashboard_subscriptions":{{"whitelisted_domains":["pixelforge.example"],"#
        )?;
        writeln!(out, r#""recipients":["board@larch.example","reports@rowan.example"]}}}},"ai":{{"mcp_clients":["#)?;
        let assisted = members.clone().skip(12).take(1).map(|member| self.person(self.person_of(member)).email());
        list(out, assisted, |out, email| {
            write!(
                out,
                r#"{{"name":"Desktop assistant","user_email":"{email}","first_seen_at":"2026-08-02T00:00:00Z"}}"#
            )
        })?;
        writeln!(
            out,
            r#"],"custom_agents":[{{"name":"Campaign QA","status":"live","visibility":"private","creator":"{}","scheduled":false,"all_tools":false,"write_tools":["create_draft"],"connectors":[{{"name":"Issue tracker","write_capable":true}}]}}]}},"environments":["#,
            by(0)
        )?;
        let environments = [("LIVE", false), ("TEST", failing)];
        list(out, environments.iter(), |out, (name, failing)| environment(out, at, name, &by(0), *failing))?;
        write!(out, "]}}")
    }

    fn member(&self, out: &mut String, member: usize, place: usize) -> std::fmt::Result {
        let person = self.person(self.person_of(member));
        let mut dice = Dice::of(self.seed, MEMBERS + member as u64);
        let role = match place {
            0 => "Admin",
            1 => "Manager",
            3 => "regional-ops",
            // A third publisher is few enough from fifteen members on.
            16 => "campaign-approver",
            // Not left to the dice: no workspace, however small, gets too many who may export.
            _ if place % 8 == 5 => "Analyst",
            _ => {
                dice.pick(&["campaign-editor", "campaign-editor", "integrator", "crm-maker", "crm-maker", "crm-maker"])
            }
        };
        let status = if place < 20 || person.defect.is_some() { 99 } else { dice.below(100) };
        let status = ["access_revoked", "access_revoked", "pending"].get(status).unwrap_or(&"joined");
        let enrolled = *status == "joined" && person.defect != Some(Defect::NoDevice);
        // Addresses are typed by hand, and so now and then with a capital.
        let email = if dice.below(50) == 0 { capitalised(&person.email()) } else { person.email() };
        write!(
            out,
            r#"{{"email":"{email}","name":"{}","status":"{status}","role_id":"{role}","environments":{},"team":"{}","#,
            person.name(),
            if place < 8 { r#"["LIVE","TEST"]"# } else { r#"["LIVE"]"# },
            dice.pick(&TEAMS)
        )?;
        write!(
            out,
            r#""invited_by":"sec-ops@larch.example","invited_at":"{}","last_modified_at":"{}","#,
            if *status == "pending" { lately(&mut dice) } else { moment(&mut dice, 2025) },
            moment(&mut dice, 2026)
        )?;
        let device = if enrolled { "set_up" } else { "not_set_up" };
        let attested = if enrolled { dice.pick(&["true", "true", "null"]) } else { "false" };
        write!(
            out,
            r#""two_step":{{"device_status":"{device}","method":"authenticator_app","idp_mfa_attested":{attested}}},"#
        )?;
        if *status == "joined" {
            let seen = if person.defect == Some(Defect::Dormant) {
                "2026-05-30T07:15:00Z".to_owned()
            } else {
                recently(&mut dice)
            };
            let privileged = if place < 4 { format!("\"{}\"", recently(&mut dice)) } else { "null".to_owned() };
            let used = match role {
                "campaign-approver" => format!(r#""last_publish_at":"{}","#, recently(&mut dice)),
                "Analyst" => format!(r#""last_export_at":"{}","#, recently(&mut dice)),
                _ => String::new(),
            };
            write!(
                out,
                r#""activity":{{"last_seen_at":"{seen}","last_privileged_action_at":{privileged},{used}"logins_90d":{},"last_ip":"198.51.100.{}","source":"audit_log_csv"}},"#,
                dice.below(200),
                dice.below(250)
            )?;
        } else {
            write!(out, r#""activity":null,"#)?;
        }
        write!(
            out,
            r#""preferences":{{"locale":"{}","digest":{},"landing_page":"/dashboards/{}"}}}}"#,
            dice.pick(&["en-GB", "de-DE", "en-IN"]),
            dice.below(2) == 0,
            dice.below(900)
        )
    }

    /// The members of a workspace, numbered through all of them.
    fn members_of(&self, workspace: usize) -> std::ops::Range<usize> {
        let start = |at: usize| at * self.members / self.workspaces.max(1);
        start(workspace)..start(workspace + 1)
    }

    /// Who a member is. The Admin and every sixteenth of a workspace belong to a central team, which is in all of them.
    fn person_of(&self, member: usize) -> usize {
        let place = self.place(member);
        let everywhere = place == 0 || is_central(place);
        if everywhere && place < self.members_of(0).len() { place } else { member }
    }

    /// The place of a member in its workspace.
    fn place(&self, member: usize) -> usize {
        let about = self.workspaces * member / self.members.max(1);
        let nearby = about.saturating_sub(1)..(about + 2).min(self.workspaces);
        nearby
            .map(|at| self.members_of(at))
            .find(|members| members.contains(&member))
            .map_or(member, |members| member - members.start)
    }

    fn person(&self, number: usize) -> Person {
        let mut dice = Dice::of(self.seed, PEOPLE + number as u64);
        let (first, last, agency) = (dice.pick(&FIRST_NAMES), dice.pick(&LAST_NAMES), dice.below(30) == 0);
        let place = self.place(number);
        // The first of a workspace hold its powers, and the central team is seen everywhere: neither stands for one member.
        let may_fail = place > 3 && !is_central(place);
        let external = may_fail && agency;
        let defect = (may_fail && dice.chance(self.share_failing)).then(|| match dice.below(3) {
            0 => Defect::NoDevice,
            1 => Defect::Dormant,
            _ if external => Defect::Unlisted,
            _ => Defect::Left,
        });
        Person { number, first, last, external, defect, department: dice.pick(&TEAMS), grade: dice.below(9) }
    }
}

/// Workspaces that one access review looks at.
const REVIEWED_TOGETHER: usize = 4;

/// Returns whether the person at this place in a workspace is in all of them.
fn is_central(place: usize) -> bool {
    place % 16 == 15
}

/// A fault of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    /// No second factor is enrolled.
    NoDevice,
    /// Last seen months ago.
    Dormant,
    /// The people system says that the person has left.
    Left,
    /// From outside, without a recorded reason.
    Unlisted,
}

struct Person {
    number: usize,
    first: &'static str,
    last: &'static str,
    external: bool,
    defect: Option<Defect>,
    department: &'static str,
    grade: usize,
}

impl Person {
    fn is_external(&self) -> bool {
        self.external
    }

    /// Whether the person is on the list of those who work here now.
    fn is_employee(&self) -> bool {
        !self.external && self.defect != Some(Defect::Left)
    }

    fn email(&self) -> String {
        let domain = match (self.external, self.number % 4) {
            (true, _) => "pixelforge.example",
            (false, 0) => "rowan.example",
            (false, _) => "larch.example",
        };
        format!("{}.{}{}@{domain}", plain(self.first), plain(self.last), self.number)
    }

    /// One name in fifty is written as some exports do it, with escapes.
    fn name(&self) -> String {
        let name = format!("{} {}", self.first, self.last);
        if !self.number.is_multiple_of(50) {
            return name;
        }
        name.chars().map(|c| if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) }).collect()
    }

    fn write_roster_entry(&self, out: &mut String) -> std::fmt::Result {
        let (status, end) = match self.defect {
            Some(Defect::Left) => ("terminated", "\"2026-08-14\""),
            _ if self.number.is_multiple_of(90) => ("on_leave", "null"),
            _ => ("active", "null"),
        };
        write!(
            out,
            r#"{{"email":"{}","hr_status":"{status}","end_date":{end},"department":"{}","grade":{}}}"#,
            self.email(),
            self.department,
            self.grade
        )
    }
}

/// A line of the audit log: mostly what people do all day, now and then a login or a change of settings.
fn event(out: &mut String, dice: &mut Dice, actor: &str) -> std::fmt::Result {
    let (entity, activity, action, reviewed) = match dice.below(10) {
        0 => ("User", "Logged in", "CREATE", "false"),
        1 => ("Role", "Role edited", "UPDATE", "true"),
        2 => ("Segment", "Segment created", "CREATE", "false"),
        _ => ("Campaign", "Campaign edited", "UPDATE", "false"),
    };
    write!(
        out,
        r#"{{"time":"{}","environment":"LIVE","entity":"{entity}","activity":"{activity}","action":"{action}","actor":"{actor}","ip":"203.0.113.{}","reviewed":{reviewed}}}"#,
        recently(dice),
        1 + dice.below(14)
    )
}

fn environment(out: &mut String, workspace: usize, name: &str, admin: &str, failing: bool) -> std::fmt::Result {
    writeln!(
        out,
        r#"{{"name":"{name}","contains_production_pii":{},"security":{{"login_method":"sso_only","sso":{{"configured":true,"idp":"okta","idp_entity_id":"http://www.okta.example/exk-larch","#,
        name == "LIVE"
    )?;
    writeln!(
        out,
        r#""idp_sso_url":"https://login.larch.example/app/exk-larch/sso/saml","name_id_format":"email_address","idp_cert_not_after":"2028-03-01T00:00:00Z"}},"#
    )?;
    writeln!(
        out,
        r#""two_step":{{"enforced":{}}},"session":{{"idle_timeout_minutes":480,"absolute_timeout_days":60,"override_ticket":"48213"}},"support_access":{{"granted":false,"open_ticket":null}},"#,
        !failing
    )?;
    writeln!(
        out,
        r#""provisioning":{{"method":"scim","default_role_id":"crm-maker","scim":{{"status":"active","token_created_at":"2026-01-10T09:30:00Z","token_expires_at":"2027-01-10T00:00:00Z"}}}}}},"network":{{"firewall":{{"rules":["#
    )?;
    let broad = if failing && workspace.is_multiple_of(2) { r#","203.0.0.0/12""# } else { "" };
    writeln!(
        out,
        r#"{{"type":"allowed","note":"VPN and offices","cidrs":["203.0.113.0/28","198.51.100.64/26","2001:db8:40::/48"{broad}]}},"#
    )?;
    write!(out, r#"{{"type":"blocked","note":"former office","cidrs":["192.0.2.64/28"]}}]}},"#)?;
    writeln!(
        out,
        r#""api_firewall":{{"rules":[{{"name":"backend egress","categories":["data","segmentation","campaigns","partner_integration","content"],"cidrs":["203.0.113.32/28"],"status":"published","updated_on":"2026-05-04T10:00:00Z","updated_by":"{admin}","allowed_last_30d":182344}}]}},"data_api_allowlist":{{"enabled":false,"entries":[]}}}},"api_keys":["#
    )?;
    list(out, KEYS.iter(), |out, (key, auth, api, scopes)| {
        write!(
            out,
            r#"{{"name":"{key}","auth_type":"{auth}","legacy":false,"state":"active","access":"partial","apis":["{api}"],"scopes":{},"access_token_ttl_minutes":15,"created_on":"2025-06-02T00:00:00Z","created_by":"{admin}","rotated_at":"2026-08-01T00:00:00Z","owner":"team-data","source_page":"api_key_dashboard"}}"#,
            if name == "LIVE" { scopes } else { "[]" }
        )
    })?;
    writeln!(
        out,
        r#"],"data_api":{{"get_user_enabled":false}},"data_protection":{{"tokenized_channels":[],"attributes":["#
    )?;
    list(out, ATTRIBUTES.iter(), |out, (id, shown, personal)| {
        write!(
            out,
            r#"{{"name":"{id}","display_name":"{shown}","kind":"user","pii":{personal},"masked":{personal},"encrypted":false}}"#
        )
    })?;
    writeln!(
        out,
        r#"]}},"integrations":{{"connections":[{{"name":"warehouse-export","type":"s3","direction":"export","auth":"cross_account_role","file_encryption":"pgp"}}],"outbound":["#
    )?;
    write!(
        out,
        r#"{{"name":"alerts","type":"webhook","url":"https://hooks.larch.example/moengage","auth":"none","signature_verified":true}}]}}}}"#
    )
}

/// Writes the elements of an array, one on a line.
fn list<T>(
    out: &mut String,
    items: impl Iterator<Item = T>,
    mut each: impl FnMut(&mut String, T) -> std::fmt::Result,
) -> std::fmt::Result {
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push_str(",\n");
        }
        each(out, item)?;
    }
    Ok(())
}

fn workspace_id(at: usize) -> String {
    format!("LARCH{at:05}")
}

/// A moment of a year, as the screens and exports write them: with microseconds, in UTC, or with an offset.
fn moment(dice: &mut Dice, year: u32) -> String {
    let (month, day, hour, minute, second) =
        (1 + dice.below(8), 1 + dice.below(28), dice.below(24), dice.below(60), dice.below(60));
    let zone = match dice.below(6) {
        0 => format!(".{:06}Z", dice.below(1_000_000)),
        1 => "+02:00".to_owned(),
        2 => "+0530".to_owned(),
        _ => "Z".to_owned(),
    };
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{zone}")
}

/// A moment of the week before the capture.
fn lately(dice: &mut Dice) -> String {
    format!("2026-08-{:02}T{:02}:{:02}:{:02}Z", 25 + dice.below(7), dice.below(24), dice.below(60), dice.below(60))
}

/// A moment of the month before the capture.
fn recently(dice: &mut Dice) -> String {
    format!("2026-08-{:02}T{:02}:{:02}:{:02}Z", 1 + dice.below(28), dice.below(24), dice.below(60), dice.below(60))
}

fn capitalised(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}

/// Returns a name as it is written in an address.
fn plain(name: &str) -> String {
    let letter = |c: char| match c {
        'á' => 'a',
        'é' | 'ë' => 'e',
        'ñ' => 'n',
        'ú' | 'ü' => 'u',
        'ö' | 'ø' => 'o',
        other => other.to_ascii_lowercase(),
    };
    name.chars().map(letter).collect()
}

// Where the rows of dice of each kind begin: no two things share a row.
const PEOPLE: u64 = 1 << 40;
const MEMBERS: u64 = 2 << 40;
const WORKSPACES: u64 = 3 << 40;

/// SplitMix64 (Steele, Lea, Flood, *Fast splittable pseudorandom number generators*).
struct Dice(u64);

impl Dice {
    /// Returns a row of dice; each number gives another.
    fn of(seed: u64, number: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0xD134_2543_DE82_EF95) ^ number);
        dice.0 = dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }

    fn chance(&mut self, share: f64) -> bool {
        (self.next() >> 11) as f64 / ((1u64 << 53) as f64) < share
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }
}

const NETWORKS: [(&str, &str); 4] = [
    ("vpn-egress", "203.0.113.0/28"),
    ("office-berlin", "198.51.100.64/26"),
    ("office-berlin-v6", "2001:db8:40::/48"),
    ("office-pune", "203.0.113.128/27"),
];

/// Days on which the audit log was exported; each export begins where the one before it ended.
const EXPORTS: [&str; 6] = ["2025-08-20", "2025-11-12", "2026-02-04", "2026-04-29", "2026-07-15", "2026-08-31"];

/// API keys: name, auth type, API, and what they may do with campaigns.
const KEYS: [(&str, &str, &str, &str); 3] = [
    ("orders-service", "oauth2", "data", "[]"),
    ("segment-sync", "basic", "segmentation", "[]"),
    ("campaign-planner", "basic", "campaigns", r#"["view","create_manage_publish"]"#),
];

/// Attributes of users: name, name on the screen, whether they are personal.
const ATTRIBUTES: [(&str, &str, bool); 10] = [
    ("u_em", "Email", true),
    ("u_mb", "Mobile number", true),
    ("u_n", "Name", true),
    ("u_fn", "First name", true),
    ("u_ln", "Last name", true),
    ("u_bd", "Birthday", true),
    ("loyalty_tier", "Loyalty tier", false),
    ("last_order_value", "Last order value", false),
    ("favourite_trail", "Favourite trail", false),
    ("store", "Store", false),
];

/// Roles: id, name, and permissions as component and levels.
#[expect(clippy::type_complexity, reason = "a table of constants")]
const ROLES: [(&str, &str, &[(&str, &str)]); 8] = [
    (
        "Admin",
        "Admin",
        &[
            ("security_settings", r#"["manage"]"#),
            ("team_management", r#"["view","create_and_manage","create_and_manage_all_roles"]"#),
            ("teams", r#"["view","setup_and_manage"]"#),
            ("usage_and_billing", r#"["view","create_and_manage","download"]"#),
            ("campaigns", r#"["view","create_manage_and_publish","download"]"#),
        ],
    ),
    (
        "Manager",
        "Manager",
        &[
            ("team_management", r#"["view"]"#),
            ("teams", r#"["view"]"#),
            ("campaigns", r#"["view","create_and_manage","download"]"#),
        ],
    ),
    (
        "campaign-editor",
        "Campaign editor",
        &[
            ("campaigns", r#"["view","create_and_manage"]"#),
            ("segments", r#"["view","create_and_manage"]"#),
            ("content", r#"["view","create_and_manage"]"#),
        ],
    ),
    (
        "integrator",
        "Integrator",
        &[("imports", r#"["create_and_manage"]"#), ("coupons", r#"["view","create_and_manage"]"#)],
    ),
    (
        "Analyst",
        "Analyst",
        &[
            ("campaigns", r#"["view","download"]"#),
            ("segments", r#"["view","download"]"#),
            ("dashboard_analyze", r#"["view","download"]"#),
        ],
    ),
    (
        "campaign-approver",
        "Campaign approver",
        &[
            ("campaigns", r#"["view","create_manage_and_publish"]"#),
            ("flows", r#"["view","create_manage_and_publish"]"#),
        ],
    ),
    ("crm-maker", "CRM maker", &[("campaigns", r#"["view","create_and_manage"]"#), ("segments", r#"["view"]"#)]),
    (
        "regional-ops",
        "Regional ops",
        &[("teams", r#"["view","setup_and_manage"]"#), ("campaigns", r#"["view","create_and_manage"]"#)],
    ),
];

const TOWNS: [&str; 8] = ["Berlin", "Pune", "Oslo", "Lisbon", "Leeds", "Lyon", "Jaipur", "Turku"];
const TEAMS: [&str; 8] =
    ["Lifecycle EU", "Lifecycle APAC", "CRM", "Growth", "Analytics", "Data platform", "Brand", "Customer care"];
const FIRST_NAMES: [&str; 24] = [
    "Mia", "Zoë", "Raj", "Neha", "Tomás", "Lena", "Jo", "Sofia", "Anil", "Priya", "Noé", "Greta", "Kemi", "Luis",
    "Mara", "Nils", "Oda", "Hanna", "Ito", "Jonas", "Søren", "Aiko", "Farid", "Ingrid",
];
const LAST_NAMES: [&str; 20] = [
    "Berger",
    "Núñez",
    "Sharma",
    "Okafor",
    "Lindqvist",
    "Moreau",
    "Tanaka",
    "Iyer",
    "Novak",
    "Silva",
    "Müller",
    "Haddad",
    "Kowalski",
    "Byrne",
    "Ferrari",
    "Jansen",
    "Petrov",
    "Dubois",
    "Schröder",
    "Rao",
];
