//! Gives types and interfaces the fields of the interfaces they implement. Knows no directive except that `@id` must not get lost.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use apollo_compiler::ast::{DirectiveList, FieldDefinition};
use apollo_compiler::collections::{IndexMap, IndexSet};
use apollo_compiler::schema::{Component, ComponentName, ComponentOrigin, ExtendedType};
use apollo_compiler::{Name, Schema};

use super::document::Places;
use super::problems::Problems;

/// Type and field name of every field that a type or interface has only by inheritance.
pub(super) type Inherited = HashSet<(String, String)>;

/// A field and the type or interface whose declaration of it holds.
#[derive(Clone)]
struct Field {
    origin: Name,
    definition: Component<FieldDefinition>,
}

type Fields = IndexMap<Name, Field>;

struct Inheritance<'a> {
    schema: &'a Schema,
    places: &'a Places,
    problems: &'a mut Problems,
    done: HashMap<Name, Rc<Fields>>,
    /// Interfaces on the way from the type in question to the present one.
    open: Vec<Name>,
    is_circular: bool,
}

/// Completes every type and interface of the schema in place; `None` if an interface implements itself.
pub(super) fn complete(schema: &mut Schema, places: &Places, problems: &mut Problems) -> Option<Inherited> {
    let mut inheritance =
        Inheritance { schema, places, problems, done: HashMap::new(), open: Vec::new(), is_circular: false };
    let completed: Vec<(Name, Rc<Fields>)> =
        schema.types.keys().filter_map(|name| Some((name.clone(), inheritance.fields_of(name)?))).collect();
    if inheritance.is_circular {
        return None;
    }
    let mut inherited = Inherited::new();
    for (name, fields) in completed {
        for (field, _) in fields.iter().filter(|(_, it)| it.origin != name) {
            inherited.insert((name.to_string(), field.to_string()));
        }
        let fields = fields.iter().map(|(field, declared)| (field.clone(), declared.definition.clone()));
        match schema.types.get_mut(&name) {
            Some(ExtendedType::Object(ty)) => ty.make_mut().fields = fields.collect(),
            Some(ExtendedType::Interface(ty)) => ty.make_mut().fields = fields.collect(),
            _ => {}
        }
    }
    Some(inherited)
}

impl Inheritance<'_> {
    /// All fields of a type or interface; `None` for other kinds.
    fn fields_of(&mut self, name: &Name) -> Option<Rc<Fields>> {
        if let Some(fields) = self.done.get(name) {
            return Some(Rc::clone(fields));
        }
        let (declared_name, parents, own) = match self.schema.types.get(name)? {
            ExtendedType::Object(ty) => (&ty.name, &ty.implements_interfaces, &ty.fields),
            ExtendedType::Interface(ty) => (&ty.name, &ty.implements_interfaces, &ty.fields),
            _ => return None,
        };
        self.open.push(name.clone());
        let candidates = self.candidates(declared_name, parents);
        self.open.pop();
        let mut fields = Fields::default();
        for (field, declarations) in candidates {
            let chosen = if let Some(restated) = own.get(&field) {
                self.check_restated(name, restated, &declarations);
                Field { origin: name.clone(), definition: restated.clone() }
            } else {
                let Some(chosen) = self.choose(declared_name, &field, &declarations) else {
                    continue;
                };
                chosen
            };
            fields.insert(field, chosen);
        }
        for (field, definition) in own {
            let own = || Field { origin: name.clone(), definition: definition.clone() };
            fields.entry(field.clone()).or_insert_with(own);
        }
        let fields = Rc::new(fields);
        self.done.insert(name.clone(), Rc::clone(&fields));
        Some(fields)
    }

    /// For each inherited field, the declarations of it by interface, in the order of the `implements` list.
    fn candidates(&mut self, heir: &Name, parents: &IndexSet<ComponentName>) -> IndexMap<Name, Vec<Field>> {
        let mut candidates: IndexMap<Name, Vec<Field>> = IndexMap::default();
        for parent in parents {
            if self.schema.get_interface(parent).is_none() {
                // Unknown, which validation reports, or no interface.
                continue;
            }
            if self.open.contains(&parent.name) {
                self.is_circular = true;
                self.problems.add(
                    &self.places.locate(heir.location()),
                    format!("`{heir}` implements `{parent}`, and so itself"),
                    "remove one interface from an `implements` list on the way around",
                );
                continue;
            }
            let Some(fields) = self.fields_of(&parent.name) else {
                continue;
            };
            for (name, field) in fields.iter() {
                candidates.entry(name.clone()).or_default().push(field.clone());
            }
        }
        candidates
    }

    /// The declaration that holds: the most derived, then the first. Reports declarations that cannot stand for each other.
    fn choose(&mut self, heir: &Name, field: &Name, declarations: &[Field]) -> Option<Field> {
        let is_overridden = |candidate: &&Field| {
            declarations.iter().any(|other| {
                let interface = self.schema.get_interface(&other.origin);
                interface.is_some_and(|it| {
                    other.origin != candidate.origin && it.implements_interfaces.contains(&candidate.origin)
                })
            })
        };
        let mut standing = declarations.iter().filter(|candidate| !is_overridden(candidate));
        let chosen = standing.next()?;
        if let Some(other) = standing.find(|other| meaning(&other.definition) != meaning(&chosen.definition)) {
            self.problems.add(
                &self.places.locate(heir.location()),
                format!(
                    "`{heir}` inherits `{field}` from `{}` and from `{}`, which declare it differently",
                    chosen.origin, other.origin
                ),
                format!("restate `{field}` in `{heir}`"),
            );
        }
        let mut chosen = chosen.clone();
        chosen.definition.origin = ComponentOrigin::Definition;
        Some(chosen)
    }

    fn check_restated(&mut self, heir: &Name, restated: &Component<FieldDefinition>, declarations: &[Field]) {
        let is_key = |directives: &DirectiveList| directives.get("id").is_some();
        if !is_key(&restated.directives) && declarations.iter().any(|field| is_key(&field.definition.directives)) {
            self.problems.add(
                &self.places.locate(restated.name.location()),
                format!("`{heir}.{}` is restated without `@id`", restated.name),
                "add `@id`, as in the interface",
            );
        }
    }
}

/// Type, arguments and directives as text, without order where order means nothing: all but the description.
fn meaning(field: &FieldDefinition) -> (String, Vec<String>) {
    let mut parts: Vec<String> = field.arguments.iter().map(ToString::to_string).collect();
    for directive in &field.directives {
        let mut arguments: Vec<String> =
            directive.arguments.iter().map(|it| format!("{}:{}", it.name, it.value)).collect();
        arguments.sort();
        parts.push(format!("@{}({})", directive.name, arguments.join(",")));
    }
    parts.sort();
    (field.ty.to_string(), parts)
}
