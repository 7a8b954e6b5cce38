//! The instance that a source belongs to, in the tree of the snapshot.

use super::key::{Key, KeyOf};
use super::node::{Node, Value};
use super::origin::OriginId;
use super::tree::{Instances, Tree};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::Model;
use crate::source::Place;
use crate::source::pointer::{Pointer, Step};
use crate::value::TypeId;

/// A search for an instance.
pub(super) struct Search<'s> {
    pub model: &'s Model,
    /// The ids of the enclosing instances and of the instance, as the user wrote them.
    pub scope: Option<&'s str>,
    /// The flag of the source, for messages.
    pub flag: &'s str,
    /// The place and the origin of ids that no other source has.
    pub place: &'s Place,
    pub origin: OriginId,
}

impl Search<'_> {
    /// Finds an instance of a type, with its pointer. An instance that no source lists is made if the list is partial.
    pub(super) fn find<'t>(&self, root: &'t mut Tree, ty: TypeId) -> Result<(&'t mut Tree, Pointer), Box<Diagnostic>> {
        let mut levels: Vec<TypeId> = self.model.ancestry(ty).filter(|ty| *ty != self.model.root).collect();
        levels.reverse();
        let (mut here, mut at, mut rest) = (root, Pointer::default(), self.scope);
        for level in levels {
            (here, rest) = self.step(here, level, rest, &mut at)?;
        }
        match rest {
            None => Ok((here, at)),
            Some(rest) => {
                let message = format!("`--{}` names `{rest}`, which is not the id of an enclosing instance", self.flag);
                Err(Box::new(Diagnostic::error(Code::CaptureSource, message).help("remove it")))
            }
        }
    }

    fn step<'t, 'r>(
        &self,
        tree: &'t mut Tree,
        level: TypeId,
        rest: Option<&'r str>,
        at: &mut Pointer,
    ) -> Result<(&'t mut Tree, Option<&'r str>), Box<Diagnostic>> {
        let name = self.model.short_name(level);
        let key = KeyOf::new(self.model, level);
        let is_list = self.model.ty(level).is_collection();
        let mut here = tree;
        let steps = below_parent(self.model, level);
        for (number, step) in steps.iter().enumerate() {
            let is_last = number + 1 == steps.len();
            let new = || match is_last && is_list {
                true => Tree::Instances(Instances {
                    elements: Vec::new(),
                    key: key.clone(),
                    is_partial: true,
                    is_doubtful: false,
                }),
                false => Tree::Object(Vec::new()),
            };
            at.push(step);
            here = here.child(step, new).ok_or_else(|| not_a_list(at, name))?;
        }
        if !is_list {
            return Ok((here, rest));
        }
        let Tree::Instances(list) = here else { return Err(not_a_list(at, name)) };
        let (number, rest) = self.element(list, rest, name)?;
        at.push(&number.to_string());
        let element = list.elements.get_mut(number);
        element.map(|element| (element, rest)).ok_or_else(|| not_a_list(at, name))
    }

    /// Returns the number of the element that the scope names, and the rest of the scope.
    fn element<'r>(
        &self,
        list: &mut Instances,
        rest: Option<&'r str>,
        name: &str,
    ) -> Result<(usize, Option<&'r str>), Box<Diagnostic>> {
        let keys: Vec<Option<Key>> = list.elements.iter().map(|element| element.key(&list.key)).collect();
        let shown = || {
            let shown: Vec<&str> = keys.iter().flatten().map(Key::as_str).collect();
            shown.join(", ")
        };
        let flag = self.flag;
        let Some(text) = rest else {
            return match list.elements.len() {
                1 => Ok((0, None)),
                0 => {
                    let message = format!("no source lists the {name} that the file of `--{flag}` is from");
                    let error = Diagnostic::error(Code::CaptureSource, message);
                    Err(Box::new(error.help(format!("name it as --{flag} ID=FILE, or add a source that lists it"))))
                }
                _ => {
                    let message = format!("`--{flag}` does not state the {name} that its file is from");
                    let error = Diagnostic::error(Code::CaptureSource, message);
                    Err(Box::new(error.help(format!("name it as --{flag} ID=FILE; the ids are {}", shown()))))
                }
            };
        };
        // An id may contain `/`, so the longest one that fits is taken.
        let mut fitting: Vec<(usize, &Key, usize)> = Vec::new();
        for (number, key) in keys.iter().enumerate() {
            let Some(key) = key else { continue };
            let ends = text.match_indices('/').map(|(at, _)| at).chain([text.len()]);
            let fits = ends.filter(|end| text.get(..*end).is_some_and(|part| list.key.is(key, part))).max();
            fitting.extend(fits.map(|end| (number, key, end)));
        }
        let longest = fitting.iter().map(|(_, _, end)| *end).max();
        fitting.retain(|(_, _, end)| Some(*end) == longest);
        // The spelling counts only if it has to.
        let is_written = |(_, key, end): &&(usize, &Key, usize)| text.get(..*end).is_some_and(|it| key.is_written(it));
        match (fitting.iter().find(is_written), &fitting[..]) {
            (Some((number, _, end)), _) | (None, [(number, _, end)]) => return Ok((*number, text.get(end + 1..))),
            (None, []) => {}
            (None, several) => {
                let ids: Vec<String> = several.iter().filter_map(|(number, ..)| written(list, *number)).collect();
                let message = format!("`--{flag}` names several instances of {name}: {}", ids.join(", "));
                let error = Diagnostic::error(Code::CaptureSource, message);
                return Err(Box::new(error.help("write the id as the document does")));
            }
        }
        let (id, rest) = text.split_once('/').map_or((text, None), |(id, rest)| (id, Some(rest)));
        if !list.is_partial {
            let error = Diagnostic::error(
                Code::CaptureSource,
                format!("`--{flag}` names the {name} `{id}`, which no source lists"),
            );
            let ids: Vec<&str> = keys.iter().flatten().map(Key::as_str).collect();
            return Err(Box::new(error.suggest(id, ids)));
        }
        let key = Tree::leaf(Node::new(self.place, Value::Text(id.to_owned())), self.origin);
        list.elements.push(Tree::at(&list.key.pointer, key));
        Ok((list.elements.len() - 1, rest))
    }
}

/// Returns the id of an element as it is written.
fn written(list: &Instances, number: usize) -> Option<String> {
    Some(list.elements.get(number)?.key(&list.key)?.written().to_owned())
}

fn not_a_list(at: &Pointer, name: &str) -> Box<Diagnostic> {
    let message = format!("`{at}` is not a list of instances of {name}");
    Box::new(Diagnostic::error(Code::CaptureSource, message).help("write an array of objects in its place"))
}

/// Returns the names of the properties between an instance and the list, or the only instance, of a type in it.
pub(super) fn below_parent(model: &Model, ty: TypeId) -> Vec<String> {
    let declared = model.ty(ty);
    let outer = declared.parent.and_then(|parent| model.ty(parent).path()).map_or(0, |path| path.0.len());
    let steps = declared.path().and_then(|path| path.0.get(outer..)).unwrap_or_default().iter();
    let names = steps.filter_map(|step| match step {
        Step::Property(name) => Some(name.clone()),
        Step::Each | Step::Groups(_) => None,
    });
    names.collect()
}
