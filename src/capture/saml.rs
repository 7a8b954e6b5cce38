//! Metadata of SAML 2.0 identity providers: names, addresses, formats of names, and the validity of certificates.
//!
//! The result is a tree with the place of each value, so that a pack can state where a snapshot has which of them. Signatures
//! are not verified. Documents with a DTD are refused, so no entity is expanded.

use super::node::{Node, Property, Value};
use super::secrets::plain_url;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Place, Source, Span, hexadecimal};
use data_encoding::BASE64;
use roxmltree::{Document, ParsingOptions};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The largest text in bytes. The metadata of one provider has a few kilobytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The largest number of nodes of the document.
const MAX_NODES: u32 = 100_000;
/// The largest number of declared namespaces: their search takes time that grows faster than their number.
const MAX_NAMESPACES: usize = 5_000;
/// The largest number of attributes of an element, for the same reason.
const MAX_ATTRIBUTES: usize = 500;
/// The largest number of certificates and of other repeated elements of a provider.
const MAX_ELEMENTS: usize = 200;
/// Providers that a message lists.
const LISTED: usize = 10;

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const SIGNATURES: &str = "http://www.w3.org/2000/09/xmldsig#";
const ASSERTIONS: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const BINDINGS: &str = "urn:oasis:names:tc:SAML:2.0:bindings:";

/// The elements of an `IDPSSODescriptor` in the namespace of metadata (SAML 2.0 Metadata, sections 2.4.1 to 2.4.3).
const PARTS_OF_PROVIDERS: [&str; 12] = [
    "ArtifactResolutionService",
    "AssertionIDRequestService",
    "AttributeProfile",
    "ContactPerson",
    "Extensions",
    "KeyDescriptor",
    "ManageNameIDService",
    "NameIDFormat",
    "NameIDMappingService",
    "Organization",
    "SingleLogoutService",
    "SingleSignOnService",
];

type Element<'d, 'i> = roxmltree::Node<'d, 'i>;

/// Reads the metadata of a provider. If the text has several, `wanted` is the entity id of one of them.
///
/// The tree has these properties:
///
/// * `entity_id`.
/// * `sso_url`: the address of the browser binding. If one of several addresses is not https, it is that one; otherwise
///   it is that of the binding HTTP-Redirect, or the first. `single_sign_on_services` has all, with `binding` and `location`.
/// * `name_id_format`: the word of the format in snake case, if there is exactly one. `name_id_formats` has all.
/// * `certificate_not_after`: the earliest end of a certificate for signatures. A certificate that remains after its
///   replacement still makes assertions valid, so it counts until it is removed. `certificates` has all, with `use`,
///   `not_before`, `not_after` and `sha256`; `latest_certificate_not_after` is the latest end.
/// * `signed`, `want_authn_requests_signed`, and, if the document has them, `valid_until` and `cache_duration`.
///
/// If a certificate is not readable, there is an error, and the tree has no end of validity.
pub fn read(source: &Arc<Source>, wanted: Option<&str>) -> (Option<Node>, Vec<Diagnostic>) {
    match Reader::new(source).read(wanted) {
        Ok((node, diagnostics)) => (Some(node), diagnostics),
        Err(error) => (None, vec![*error]),
    }
}

type Refusal = Box<Diagnostic>;

struct Reader<'s> {
    source: &'s Arc<Source>,
    diagnostics: Vec<Diagnostic>,
}

impl<'s> Reader<'s> {
    fn new(source: &'s Arc<Source>) -> Self {
        Self { source, diagnostics: Vec::new() }
    }

    fn read(mut self, wanted: Option<&str>) -> Result<(Node, Vec<Diagnostic>), Refusal> {
        let text = self.source.text();
        self.refuse_other_texts(text)?;
        let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(|error| self.not_xml(&error))?;
        let providers = self.providers(&document)?;
        let provider = self.choose(&providers, wanted)?;
        let node = self.provider(provider)?;
        Ok((node, self.diagnostics))
    }

    /// Refuses texts that are not metadata, or take too long to parse.
    fn refuse_other_texts(&self, text: &str) -> Result<(), Refusal> {
        let start = text.trim_start_matches('\u{feff}').trim_start();
        let offset = text.len() - start.len();
        let first = Span::from(offset..offset + start.lines().next().unwrap_or_default().trim_end().len());
        let is = |prefix: &str| start.get(..prefix.len()).is_some_and(|text| text.eq_ignore_ascii_case(prefix));
        if is("<!doctype html") || is("<html") {
            let error = error("this is an HTML page, not metadata").label(self.source, first, "the page begins here");
            return Err(refusal(error, "sign in to the identity provider and download the metadata file again"));
        }
        if !start.starts_with('<') {
            let error = error("this is not XML").label(self.source, first, "expected `<`");
            return Err(refusal(error, "pass the metadata XML file of the identity provider"));
        }
        if let Some(at) = text.find("<!DOCTYPE") {
            let error = error("the document has a DTD, which metadata does not need");
            let error = error.label(self.source, Span::from(at..at + "<!DOCTYPE".len()), "a DTD may define entities");
            return Err(refusal(error, "remove the DTD, or download the metadata file again"));
        }
        let is_large = text.len() > MAX_BYTES || text.matches("xmlns").nth(MAX_NAMESPACES).is_some();
        if is_large || text.split('<').any(|tag| tag.bytes().filter(|byte| *byte == b'=').count() > MAX_ATTRIBUTES) {
            return Err(self.too_large());
        }
        Ok(())
    }

    fn too_large(&self) -> Refusal {
        let error = error("the document is larger than the metadata of a few providers");
        let limits = format!("the limits are {MAX_BYTES} bytes, {MAX_NODES} nodes and {MAX_NAMESPACES} namespaces");
        refusal(error.label(self.source, Span::default(), limits), "pass the metadata file of one identity provider")
    }

    fn not_xml(&self, error: &roxmltree::Error) -> Refusal {
        if matches!(error, roxmltree::Error::NodesLimitReached) {
            return self.too_large();
        }
        let at = error.pos();
        let line = usize::try_from(at.row).ok().and_then(|row| self.source.line(row.saturating_sub(1)));
        let line = line.unwrap_or_default();
        let column = usize::try_from(at.col).unwrap_or(1).saturating_sub(1);
        let before = self.source.slice(line).char_indices().nth(column).map_or(0, |(at, _)| at);
        let start = line.start.saturating_add(u32::try_from(before).unwrap_or(0));
        let message = error.to_string();
        // The position is that of the label.
        let problem = message.rsplit_once(" at ").map_or(message.as_str(), |(problem, _)| problem);
        let error = self::error("this is not well-formed XML").label(self.source, Span::new(start, start), problem);
        refusal(error, "download the metadata file again")
    }

    /// Returns the entities of the document that are identity providers.
    fn providers<'d, 'i>(&self, document: &'d Document<'i>) -> Result<Vec<Element<'d, 'i>>, Refusal> {
        let root = document.root_element();
        if !is_metadata(root, "EntityDescriptor") && !is_metadata(root, "EntitiesDescriptor") {
            let message = format!("`{}` is not metadata of SAML 2.0", root.tag_name().name());
            let expected = "expected `EntityDescriptor` or `EntitiesDescriptor`";
            let error = error(message).label(self.source, start_tag(root), expected);
            return Err(refusal(error, "pass the metadata XML file of the identity provider"));
        }
        let entities = root.descendants().filter(|node| is_metadata(*node, "EntityDescriptor"));
        let (providers, others): (Vec<_>, Vec<_>) = entities.partition(|entity| !descriptors(*entity).is_empty());
        if !providers.is_empty() {
            return Ok(providers);
        }
        let is_service = |entity: &&Element<'_, '_>| children(**entity, "SPSSODescriptor").next().is_some();
        let error =
            match others.iter().find(is_service) {
                Some(service) => error("this is the metadata of a service provider, not of an identity provider")
                    .label(self.source, start_tag(*service), "this entity has no `IDPSSODescriptor`"),
                None => error("the metadata has no identity provider").label(
                    self.source,
                    start_tag(root),
                    "no entity here has an `IDPSSODescriptor`",
                ),
            };
        Err(refusal(error, "pass the metadata file that the identity provider offers, not the one of the application"))
    }

    fn choose<'d, 'i>(&self, providers: &[Element<'d, 'i>], wanted: Option<&str>) -> Result<Element<'d, 'i>, Refusal> {
        let id = |provider: &Element<'d, 'i>| provider.attribute("entityID").unwrap_or_default().trim();
        let chosen: Vec<_> = match wanted {
            Some(wanted) => providers.iter().filter(|provider| id(provider) == wanted).collect(),
            None => providers.iter().collect(),
        };
        if let [only] = chosen[..] {
            return Ok(*only);
        }
        let message = match wanted {
            Some(wanted) if chosen.is_empty() => format!("the metadata does not have the identity provider `{wanted}`"),
            Some(wanted) => format!("the metadata has the identity provider `{wanted}` {} times", chosen.len()),
            None => format!("the metadata has {} identity providers", providers.len()),
        };
        let mut error = error(message);
        for provider in providers.iter().take(LISTED) {
            error = error.label(self.source, start_tag(*provider), "an identity provider");
        }
        let ids: Vec<String> = providers.iter().take(LISTED).map(|provider| format!("`{}`", id(provider))).collect();
        Err(refusal(error, &format!("keep one `EntityDescriptor` in a copy of the file: {}", ids.join(", "))))
    }

    fn provider(&mut self, entity: Element<'_, '_>) -> Result<Node, Refusal> {
        let mut properties = Vec::new();
        let Some(id) = entity.attribute_node("entityID").filter(|id| !id.value().trim().is_empty()) else {
            let error = error("an identity provider has no `entityID`").label(self.source, start_tag(entity), "here");
            return Err(refusal(error, "download the metadata file again"));
        };
        let id_place = self.place(Span::from(id.range_value()));
        self.add(&mut properties, "entity_id", Node::new(&id_place, Value::Text(id.value().trim().to_owned())));
        let roles = descriptors(entity);
        self.limit(entity, &roles)?;
        let are_known = self.are_known(&roles);
        self.services(&roles, are_known, &mut properties);
        self.formats(&roles, &mut properties);
        self.certificates(entity, &roles, are_known, &mut properties);
        self.document(entity, &roles, &mut properties);
        Ok(Node::new(&self.place(start_tag(entity)), Value::Object(properties)))
    }

    fn limit(&self, entity: Element<'_, '_>, roles: &[Element<'_, '_>]) -> Result<(), Refusal> {
        let repeated = ["KeyDescriptor", "SingleSignOnService", "NameIDFormat"];
        let count = |name: &'static str| roles.iter().flat_map(|role| children(*role, name)).count();
        if repeated.into_iter().all(|name| count(name) <= MAX_ELEMENTS) {
            return Ok(());
        }
        let error = error(format!("the identity provider has more than {MAX_ELEMENTS} keys, services or formats"));
        Err(refusal(error.label(self.source, start_tag(entity), "here"), "download the metadata file again"))
    }

    /// Reports elements of metadata that SAML does not have, such as a misspelt `KeyDescriptor`. Returns whether there are none.
    fn are_known(&mut self, roles: &[Element<'_, '_>]) -> bool {
        let is_unknown = |node: &Element<'_, '_>| {
            let name = node.tag_name();
            match (name.namespace(), name.name()) {
                (Some(METADATA), name) => !PARTS_OF_PROVIDERS.contains(&name),
                (Some(SIGNATURES), name) => name != "Signature",
                (Some(ASSERTIONS), name) => name != "Attribute",
                // Other elements are in `Extensions`.
                _ => true,
            }
        };
        let all = roles.iter().flat_map(|role| role.children()).filter(roxmltree::Node::is_element);
        let unknown: Vec<_> = all.filter(is_unknown).collect();
        for element in unknown.iter().take(LISTED) {
            let message = format!("`{}` is not an element of an identity provider", element.tag_name().name());
            let warning = Diagnostic::warning(Code::CaptureSaml, message);
            let warning =
                warning.label(self.source, start_tag(*element), "not read, so keys and addresses are uncaptured");
            self.diagnostics.push(warning.help("download the metadata file again"));
        }
        unknown.is_empty()
    }

    fn services(&self, roles: &[Element<'_, '_>], are_known: bool, properties: &mut Vec<Property>) {
        let (mut all, mut browser, mut others) = (Vec::new(), Vec::new(), Vec::new());
        let mut lacks_location = None;
        for service in roles.iter().flat_map(|role| children(*role, "SingleSignOnService")) {
            let Some(location) = service.attribute_node("Location") else {
                lacks_location = Some(self.place(start_tag(service)));
                continue;
            };
            let place = self.place(Span::from(location.range_value()));
            let written = location.value().trim();
            let url = plain_url(written).map_or_else(|| written.to_owned(), |(url, _)| url);
            let location = Node::new(&place, Value::Text(url));
            let binding = service.attribute("Binding").unwrap_or_default().trim();
            let short = binding.strip_prefix(BINDINGS).unwrap_or(binding);
            let mut of_service = Vec::new();
            self.add(&mut of_service, "binding", self.text(start_tag(service), short));
            self.add(&mut of_service, "location", location.clone());
            all.push(Node::new(&self.place(start_tag(service)), Value::Object(of_service)));
            if short.starts_with("HTTP-Redirect") || short.starts_with("HTTP-POST") {
                browser.push((short.to_owned(), location));
            } else {
                others.push((short.to_owned(), location));
            }
        }
        let is_https = |url: &Node| url.text().is_some_and(|url| url.to_ascii_lowercase().starts_with("https://"));
        // An address of another binding may be one for browsers, in another spelling.
        let weakest = browser.iter().chain(&others).find(|(_, url)| !is_https(url));
        let redirect = || browser.iter().find(|(binding, _)| binding == "HTTP-Redirect");
        let open =
            lacks_location.or_else(|| (!are_known).then(|| Some(self.place(start_tag(*roles.first()?)))).flatten());
        match (open, weakest.or_else(redirect).or(browser.first())) {
            (Some(place), _) => self.add(properties, "sso_url", Node::new(&place, Value::Null)),
            (None, Some((_, url))) => self.add(properties, "sso_url", url.clone()),
            (None, None) => {}
        }
        self.list(properties, "single_sign_on_services", roles, all);
    }

    fn formats(&self, roles: &[Element<'_, '_>], properties: &mut Vec<Property>) {
        let mut formats = Vec::new();
        for format in roles.iter().flat_map(|role| children(*role, "NameIDFormat")) {
            let uri = whole_text(format);
            let word = uri.rsplit_once("nameid-format:").map_or(uri.as_str(), |(_, word)| word);
            formats.push(self.text(start_tag(format), &snake_case(word)));
        }
        let words: BTreeSet<&str> = formats.iter().filter_map(Node::text).collect();
        if let Some(first) = formats.first() {
            let known = (words.len() == 1).then(|| first.clone());
            self.add(properties, "name_id_format", known.unwrap_or_else(|| Node::new(&first.place, Value::Null)));
        }
        self.list(properties, "name_id_formats", roles, formats);
    }

    fn certificates(
        &mut self,
        entity: Element<'_, '_>,
        roles: &[Element<'_, '_>],
        are_known: bool,
        properties: &mut Vec<Property>,
    ) {
        let (mut all, mut ends) = (Vec::new(), Vec::new());
        let mut are_readable = are_known;
        for key in roles.iter().flat_map(|role| children(*role, "KeyDescriptor")) {
            let purpose = key.attribute("use").unwrap_or("unspecified").trim();
            let mut certificates =
                key.descendants().filter(|node| node.has_tag_name((SIGNATURES, "X509Certificate"))).peekable();
            if certificates.peek().is_none() && purpose != "encryption" {
                are_readable = false;
                let warning = Diagnostic::warning(Code::CaptureSaml, "a key for signatures has no certificate");
                let warning = warning.label(self.source, start_tag(key), "the end of this key is not known");
                self.diagnostics.push(warning.help("transcribe the end, or download metadata with certificates"));
            }
            for element in certificates {
                let Some(certificate) = self.certificate(element) else {
                    are_readable = false;
                    continue;
                };
                let at = start_tag(element);
                let mut described = Vec::new();
                self.add(&mut described, "use", self.text(start_tag(key), purpose));
                for (name, value) in
                    [("not_before", &certificate.from), ("not_after", &certificate.to), ("sha256", &certificate.sha256)]
                {
                    self.add(&mut described, name, self.text(at, value));
                }
                all.push(Node::new(&self.place(at), Value::Object(described)));
                if purpose != "encryption" {
                    ends.push((certificate.end, self.text(at, &certificate.to)));
                }
            }
        }
        ends.sort_by_key(|(end, _)| *end);
        if ends.is_empty() && are_readable {
            let error = error("the identity provider has no certificate for signatures");
            let error = error.label(self.source, start_tag(entity), "no `KeyDescriptor` here has one");
            self.diagnostics.push(error.help("download the metadata file again, with the signing certificate"));
        }
        let unknown = Node::new(&self.place(start_tag(entity)), Value::Null);
        let end = |end: Option<&(i64, Node)>| match end.filter(|_| are_readable) {
            Some((_, node)) => node.clone(),
            None => unknown.clone(),
        };
        self.add(properties, "certificate_not_after", end(ends.first()));
        self.add(properties, "latest_certificate_not_after", end(ends.last()));
        self.list(properties, "certificates", roles, all);
    }

    /// Reads a certificate; reports one that is not readable.
    fn certificate(&mut self, element: Element<'_, '_>) -> Option<Certificate> {
        let text: String = whole_text(element).split_whitespace().collect();
        let fault = match BASE64.decode(text.as_bytes()) {
            _ if text.is_empty() => "it is empty",
            Err(_) => "it is not base64",
            Ok(bytes) => match Certificate::read(&bytes) {
                Some(certificate) => return Some(certificate),
                None => "it is not an X.509 certificate in DER",
            },
        };
        let error = error("a certificate is not readable").label(self.source, start_tag(element), fault);
        self.diagnostics.push(error.help("download the metadata file again"));
        None
    }

    /// Adds properties of the document: whether it is signed, and how long it holds.
    fn document(&self, entity: Element<'_, '_>, roles: &[Element<'_, '_>], properties: &mut Vec<Property>) {
        // A signature or a limit of time around the entity applies to it, too.
        let around: Vec<Element<'_, '_>> = entity.ancestors().filter(roxmltree::Node::is_element).collect();
        let signature = |node: &Element<'_, '_>| {
            node.children().find(|child| child.has_tag_name((SIGNATURES, "Signature"))).map(start_tag)
        };
        let signed = around.iter().find_map(signature);
        let signed_at = self.place(signed.unwrap_or_else(|| start_tag(entity)));
        self.add(properties, "signed", Node::new(&signed_at, Value::Bool(signed.is_some())));
        let wanted = roles.iter().find_map(|role| role.attribute_node("WantAuthnRequestsSigned"));
        if let Some(wanted) = wanted {
            let value = Value::Bool(matches!(wanted.value().trim(), "true" | "1"));
            let node = Node::new(&self.place(Span::from(wanted.range_value())), value);
            self.add(properties, "want_authn_requests_signed", node);
        }
        for (name, attribute) in [("valid_until", "validUntil"), ("cache_duration", "cacheDuration")] {
            if let Some(found) = around.iter().chain(roles).find_map(|node| node.attribute_node(attribute)) {
                self.add(properties, name, self.text(Span::from(found.range_value()), found.value().trim()));
            }
        }
    }

    fn place(&self, span: Span) -> Place {
        Place::new(self.source, span)
    }

    fn text(&self, span: Span, text: &str) -> Node {
        Node::new(&self.place(span), Value::Text(text.to_owned()))
    }

    /// Adds a property whose name is at the place of its value.
    fn add(&self, properties: &mut Vec<Property>, name: &str, node: Node) {
        properties.push(Property { name: name.to_owned(), place: node.place.clone(), node });
    }

    /// Adds a list at the place of the descriptor that contains its elements.
    fn list(&self, properties: &mut Vec<Property>, name: &str, roles: &[Element<'_, '_>], elements: Vec<Node>) {
        let at = roles.first().map(|role| start_tag(*role)).unwrap_or_default();
        self.add(properties, name, Node::new(&self.place(at), Value::List(elements)));
    }
}

/// The validity of a certificate.
struct Certificate {
    from: String,
    to: String,
    /// Seconds since 1970.
    end: i64,
    sha256: String,
}

impl Certificate {
    fn read(der: &[u8]) -> Option<Self> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        let validity = certificate.validity();
        let time = |seconds: i64| jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string());
        let (start, end) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        let sha256 = hexadecimal(Sha256::digest(der).as_slice());
        rest.is_empty().then_some(())?;
        Some(Self { from: time(start)?, to: time(end)?, end, sha256 })
    }
}

fn error(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::CaptureSaml, message)
}

fn refusal(error: Diagnostic, help: &str) -> Refusal {
    Box::new(error.help(help))
}

fn is_metadata(node: Element<'_, '_>, name: &str) -> bool {
    node.has_tag_name((METADATA, name))
}

fn children<'d, 'i>(node: Element<'d, 'i>, name: &'static str) -> impl Iterator<Item = Element<'d, 'i>> {
    node.children().filter(move |child| is_metadata(*child, name))
}

fn descriptors<'d, 'i>(entity: Element<'d, 'i>) -> Vec<Element<'d, 'i>> {
    children(entity, "IDPSSODescriptor").collect()
}

/// Returns the whole text of an element, without white space around it. A comment divides a text into several nodes, and a
/// reader of the first one reads another value than a reader of all.
fn whole_text(element: Element<'_, '_>) -> String {
    let texts = element.descendants().filter(roxmltree::Node::is_text).filter_map(|node| node.text());
    texts.collect::<String>().trim().to_owned()
}

/// Returns the place of the start tag of an element.
fn start_tag(element: Element<'_, '_>) -> Span {
    let range = element.range();
    let end = element.first_child().map_or(range.end, |child| child.range().start);
    Span::from(range.start..end)
}

/// Returns a word such as `emailAddress` in snake case.
fn snake_case(word: &str) -> String {
    let mut snake = String::with_capacity(word.len() + 4);
    let mut after_lower = false;
    for c in word.chars() {
        if c.is_uppercase() && after_lower {
            snake.push('_');
        }
        after_lower = c.is_lowercase() || c.is_ascii_digit();
        snake.extend(c.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = include_str!("../../tests/data/capture/idp.xml");
    const ROLLOVER: &str = include_str!("../../tests/data/capture/idp-rollover.xml");

    /// Returns a tree as JSON on one line, and the messages with the first places.
    fn read_text(text: &str, wanted: Option<&str>) -> (String, Vec<String>) {
        let source = Source::new("idp.xml", text).unwrap();
        let (node, diagnostics) = read(&source, wanted);
        let message = |it: &Diagnostic| {
            let place = it.labels.first().map(|label| format!(" [{}: {}]", label.place.text(), label.text));
            format!("{}{}", it.message, place.unwrap_or_default())
        };
        (node.map(|node| json(&node)).unwrap_or_default(), diagnostics.iter().map(message).collect())
    }

    fn json(node: &Node) -> String {
        match &node.value {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(text) => text.clone(),
            Value::Text(text) => format!("{text:?}"),
            Value::List(list) => format!("[{}]", list.iter().map(json).collect::<Vec<_>>().join(", ")),
            Value::Object(list) => {
                let property = |it: &Property| match it.name.as_str() {
                    "sha256" => "sha256".to_owned(),
                    name => format!("{name}: {}", json(&it.node)),
                };
                format!("{{{}}}", list.iter().map(property).collect::<Vec<_>>().join(", "))
            }
        }
    }

    #[test]
    fn metadata_of_a_provider_becomes_a_tree() {
        let (tree, messages) = read_text(PLAIN, None);
        expect_test::expect![[r#"
            {entity_id: "http://www.idp.fernbooks.example/exk1fernbooks", sso_url: "https://idp.fernbooks.example/app/moe/sso/saml", single_sign_on_services: [{binding: "HTTP-POST", location: "https://idp.fernbooks.example/app/moe/post/saml"}, {binding: "HTTP-Redirect", location: "https://idp.fernbooks.example/app/moe/sso/saml"}], name_id_format: "email_address", name_id_formats: ["email_address"], certificate_not_after: "2028-03-01T00:00:00Z", latest_certificate_not_after: "2028-03-01T00:00:00Z", certificates: [{use: "signing", not_before: "2024-03-01T00:00:00Z", not_after: "2028-03-01T00:00:00Z", sha256}], signed: false, want_authn_requests_signed: false}
        "#]]
        .assert_eq(&format!("{tree}\n"));
        assert_eq!(messages, [""; 0]);
    }

    #[test]
    fn the_weakest_address_and_the_earliest_end_count() {
        let (tree, messages) = read_text(ROLLOVER, None);
        expect_test::expect![[r#"
            {entity_id: "https://idp.fernbooks.example/federation&more", sso_url: "http://idp.fernbooks.example/post", single_sign_on_services: [{binding: "HTTP-Redirect", location: "https://idp.fernbooks.example/sso"}, {binding: "SOAP", location: "http://idp.fernbooks.example/soap"}, {binding: "HTTP-POST", location: "http://idp.fernbooks.example/post"}], name_id_format: null, name_id_formats: ["unspecified", "email_address"], certificate_not_after: "2025-01-15T08:00:00Z", latest_certificate_not_after: "2028-03-01T00:00:00Z", certificates: [{use: "unspecified", not_before: "2020-01-15T08:00:00Z", not_after: "2025-01-15T08:00:00Z", sha256}, {use: "signing", not_before: "2024-03-01T00:00:00Z", not_after: "2028-03-01T00:00:00Z", sha256}, {use: "encryption", not_before: "2024-03-01T00:00:00Z", not_after: "2026-09-01T00:00:00Z", sha256}], signed: true, valid_until: "2026-12-31T00:00:00Z", cache_duration: "P7D"}
        "#]]
        .assert_eq(&format!("{tree}\n"));
        assert_eq!(messages, [""; 0]);
    }

    #[test]
    fn values_are_at_their_attributes_and_elements() {
        let source = Source::new("idp.xml", ROLLOVER).unwrap();
        let node = read(&source, None).0.unwrap();
        let text = |name: &str| node.get(name).unwrap().place.text().to_owned();
        assert_eq!(text("entity_id"), " https://idp.fernbooks.example/&#x66;ederation&amp;more ");
        assert_eq!(text("sso_url"), "http://idp.fernbooks.example/post");
        assert_eq!(text("certificate_not_after"), "<ds:X509Certificate>");
        assert_eq!(text("signed"), "<ds:Signature>");
        assert_eq!(text("valid_until"), "2026-12-31T00:00:00Z");
    }

    #[test]
    fn other_texts_are_refused_with_their_places() {
        let sp = PLAIN.replace("IDPSSODescriptor", "SPSSODescriptor");
        let two = ROLLOVER.replace("SPSSODescriptor", "IDPSSODescriptor");
        let without_id = PLAIN.replace("entityID=", "id=");
        let long = format!("<a {}/>", (0..600).map(|n| format!("b{n}='' ")).collect::<String>());
        let namespaces = format!("<a>{}</a>", "<b xmlns='x'/>".repeat(5_001));
        let nodes = format!("<a>{}</a>", "<b/>".repeat(100_001));
        for (text, wanted, expected) in [
            ("", None, "this is not XML [: expected `<`]"),
            ("{\"a\": 1}", None, "this is not XML [{\"a\": 1}: expected `<`]"),
            (
                "\n<!DOCTYPE HTML>\n<html></html>",
                None,
                "this is an HTML page, not metadata [<!DOCTYPE HTML>: the page begins here]",
            ),
            (
                "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
                None,
                "the document has a DTD, which metadata does not need [<!DOCTYPE: a DTD may define entities]",
            ),
            ("<a>\n<é></b>", None, "this is not well-formed XML [: expected 'é' tag, not 'b']"),
            ("<a>&x;</a>", None, "this is not well-formed XML [: unknown entity reference 'x']"),
            (
                "<a b='1'><c/></a>",
                None,
                "`a` is not metadata of SAML 2.0 [<a b='1'>: expected `EntityDescriptor` or `EntitiesDescriptor`]",
            ),
            (&long, None, "the document is larger than the metadata of a few providers"),
            (&namespaces, None, "the document is larger than the metadata of a few providers"),
            (&nodes, None, "the document is larger than the metadata of a few providers"),
            (&sp, None, "this is the metadata of a service provider, not of an identity provider"),
            (&two, None, "the metadata has 2 identity providers"),
            (PLAIN, Some("x"), "the metadata does not have the identity provider `x`"),
            (&without_id, None, "an identity provider has no `entityID`"),
        ] {
            let (tree, messages) = read_text(text, wanted);
            assert_eq!(tree, "");
            assert!(messages.len() == 1 && messages[0].starts_with(expected), "{expected}\n{messages:?}");
        }
        let (tree, messages) = read_text(&two, Some("https://idp.fernbooks.example/federation&more"));
        assert!(tree.contains("federation") && messages.is_empty());
    }

    #[test]
    fn a_comment_does_not_cut_a_text() {
        let format = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
        let cut = |text: &str| PLAIN.replacen(format, text, 1);
        for text in [
            "urn:oasis:names:tc:SAML:1.1:nameid-format:email<!-- -->Address",
            "<!-- -->urn:oasis:names:tc:SAML:1.1:nameid-format:<![CDATA[emailAddress]]>",
        ] {
            let (tree, messages) = read_text(&cut(text), None);
            assert!(tree.contains("name_id_format: \"email_address\"") && messages.is_empty(), "{tree} {messages:?}");
        }
        let start = PLAIN.find("MII").unwrap();
        let commented = format!("{}<!-- -->{}", &PLAIN[..start + 3], &PLAIN[start + 3..]);
        let json = |text: &str| read_text(text, None).0;
        assert_eq!(json(&commented), json(PLAIN));
    }

    #[test]
    fn a_certificate_that_is_not_readable_leaves_no_end() {
        let start = PLAIN.find("MII").unwrap();
        let end = PLAIN.find("</ds:X509Certificate>").unwrap();
        for (text, fault) in
            [(" ", "it is empty"), ("äöü", "it is not base64"), ("AAAA", "it is not an X.509 certificate in DER")]
        {
            let text = format!("{}{text}{}", &PLAIN[..start], &PLAIN[end..]);
            let (tree, messages) = read_text(&text, None);
            assert!(tree.contains("certificates: []") && !tree.contains("not_after: \""), "{tree}");
            assert_eq!(messages, [format!("a certificate is not readable [<ds:X509Certificate>: {fault}]")]);
        }
        let (tree, messages) = read_text(&PLAIN.replace("use=\"signing\"", "use=\"encryption\""), None);
        assert!(tree.contains("certificate_not_after: null, latest_certificate_not_after: null"), "{tree}");
        assert!(messages[0].starts_with("the identity provider has no certificate for signatures"), "{messages:?}");
        // One readable certificate does not hide another one.
        let text = ROLLOVER.replacen("<ds:X509Certificate>", "<ds:X509Certificate>AAAA", 1);
        let (tree, messages) = read_text(&text, None);
        assert!(tree.contains("certificate_not_after: null") && messages.len() == 1, "{tree}");
    }
}
