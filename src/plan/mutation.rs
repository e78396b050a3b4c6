//! Mutations: what is written, and what is read afterwards for the answer.

mod index;
mod node;
mod relation;

use async_graphql::Value;

use super::nulls::NullCheck;
use super::{Error, RootField, Source, input};
use crate::model::api::MUTATION;
use crate::model::{MutationKind, NodeType};
use crate::storage::{Announcement, Write};

/// A write and how to check its answer.
#[derive(Debug)]
pub struct Change<'a> {
    /// What storage does, in one transaction.
    pub write: Write,
    /// What may not be null although storage cannot promise it.
    pub null_check: Option<NullCheck<'a>>,
    /// What to tell listeners once it is done.
    pub announcement: Option<Announcement>,
    /// What to tell the client when the key is taken.
    pub conflict: String,
    /// Keys of the nodes that it writes to, or whose relation it writes.
    pub keys: Vec<String>,
}

/// Plans a field of the mutation root. `new_key` makes keys for nodes that are created without one.
///
/// # Errors
/// Arguments that cannot be used.
pub fn mutation<'a>(
    source: Source<'a>,
    root: &RootField<'a>,
    new_key: impl FnOnce() -> String,
) -> Result<Change<'a>, Error> {
    let name = root.name();
    let model = source.model;
    let (Some(mutation), Some(published), Some(field)) =
        (model.mutations().get(name), model.api().field(MUTATION, name), root.fields.first())
    else {
        return Err(Error::BadInput(format!("`{name}` is not a mutation")));
    };
    let arguments = input::coerce_arguments(model.api(), &published.arguments, &field.node, source.variables)?;
    match &mutation.kind {
        MutationKind::Node { action, ty } => node::plan(source, root, *action, *ty, &arguments, new_key),
        MutationKind::Relation { action, owner, field } => {
            relation::plan(source, root, *action, *owner, field, &arguments)
        }
        MutationKind::Resolver(name) => Err(Error::NotImplemented(name.to_string())),
    }
}

/// Values that must be URLs are.
fn check_urls(ty: &NodeType, arguments: &super::Arguments) -> Result<(), Error> {
    for property in ty.properties().filter(|property| property.is_url) {
        let (values, is_list) = match arguments.get(&*property.name) {
            Some(Value::List(values)) => (values.as_slice(), true),
            Some(value @ Value::String(_)) => (std::slice::from_ref(value), false),
            _ => continue,
        };
        let is_valid = |value: &Value| matches!(value, Value::String(text) if crate::value::url::is_valid(text));
        if !values.iter().all(is_valid) {
            return Err(Error::BadInput(if is_list {
                format!("{} list can only contain valid URLs with protocol", property.name)
            } else {
                format!("{} can only be a valid URL with protocol", property.name)
            }));
        }
    }
    Ok(())
}
