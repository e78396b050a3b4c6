//! Subscriptions: which events a field waits for, and what it answers to each.

mod payload;

use async_graphql::{Name, Value};

use super::nulls::NullCheck;
use super::{Arguments, Error, RootField, Source, input};
use crate::model::api::SUBSCRIPTION;
use crate::model::{Model, SubscriptionField, TypeId};
use crate::sql::Sql;
use crate::storage::{Action, Cause, Event};

/// The events that a field waits for. Everything that is given must hold.
#[derive(Debug, Default)]
pub struct Watch {
    pub(crate) types: Option<Vec<TypeId>>,
    pub(crate) actions: Option<Vec<Action>>,
    pub(crate) cause: Option<Cause>,
    pub(crate) key: Option<String>,
    pub(crate) topic: Option<(&'static str, String)>,
    /// A property that the node has to have with this value.
    pub(crate) equals: Option<(&'static str, Value)>,
    pub(crate) payload: Payload,
}

/// What a field answers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    /// The node.
    #[default]
    Node,
    /// Its type and key.
    Reference,
    /// Its type and key, what happened, and the node.
    Change,
}

/// The answer to an event.
#[derive(Debug)]
pub enum Answer<'a> {
    /// This JSON, if the statement has a row.
    Known(String, Option<Sql>),
    /// The JSON that the statement gives, if it has a row.
    Read(Sql, Option<NullCheck<'a>>),
}

/// Plans a field of the subscription root; `declared` those that `@resolver(name:)` declares.
///
/// # Errors
/// Arguments that cannot be used.
pub fn watch(
    source: Source<'_>,
    root: &RootField<'_>,
    declared: impl FnOnce(&Model, &str, &Arguments) -> Result<Watch, Error>,
) -> Result<Watch, Error> {
    let name = root.name();
    let model = source.model;
    let (Some(subscription), Some(published), Some(field)) =
        (model.subscriptions().get(name), model.api().field(SUBSCRIPTION, name), root.fields.first())
    else {
        return Err(Error::BadInput(format!("`{name}` is not a subscription")));
    };
    let arguments = input::coerce_arguments(model.api(), &published.arguments, &field.node, source.variables)?;
    let watch = match subscription {
        SubscriptionField::Changes => changes(model, &arguments),
        SubscriptionField::Resolver(resolver) => declared(model, resolver, &arguments)?,
    };
    // What is wrong with the selection shows now, not at the first event.
    if let Some(example) = watch.example(model) {
        watch.answer(source, root, &example)?;
    }
    Ok(watch)
}

fn changes(model: &Model, arguments: &Arguments) -> Watch {
    let named = |name: &str| model.type_named(name).map(|id| model.node_type(id).possible.as_slice());
    let types = enums(arguments, "types").map(|names| names.into_iter().filter_map(named).flatten().copied().collect());
    let actions = enums(arguments, "actions").map(|names| names.into_iter().filter_map(action).collect());
    Watch { types, actions, key: text(arguments, "key"), payload: Payload::Change, ..Watch::default() }
}

fn action(name: &str) -> Option<Action> {
    [Action::Created, Action::Updated, Action::Deleted].into_iter().find(|action| payload::action_name(*action) == name)
}

/// Values of a list of enums; none for null.
pub(crate) fn enums<'a>(arguments: &'a Arguments, name: &str) -> Option<Vec<&'a str>> {
    let Some(Value::List(items)) = arguments.get(name) else { return None };
    let names = items.iter().filter_map(|item| match item {
        Value::Enum(name) => Some(name.as_str()),
        _ => None,
    });
    Some(names.collect())
}

/// None for null.
pub(crate) fn text(arguments: &Arguments, name: &str) -> Option<String> {
    match arguments.get(&Name::new(name)) {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    }
}

impl Watch {
    /// Whether an event is one of those.
    pub fn is_for(&self, model: &Model, event: &Event) -> bool {
        let announced = &event.announced;
        let is = |wanted: bool| wanted.then_some(());
        let all = || {
            is(self.actions.as_ref().is_none_or(|actions| actions.contains(&event.action)))?;
            is(self.cause.is_none_or(|cause| cause == announced.cause))?;
            is(self.key.as_ref().is_none_or(|key| **key == *announced.key))?;
            is(self.topic.as_ref().is_none_or(|(name, value)| {
                announced.topic.as_ref().is_some_and(|(topic, told)| topic == name && **told == **value)
            }))?;
            let ty = model.type_named(&announced.ty)?;
            is(self.types.as_ref().is_none_or(|types| types.contains(&ty)))
        };
        all().is_some()
    }

    /// Whether it answers with nodes that are deleted.
    pub fn shows_deleted(&self) -> bool {
        self.payload == Payload::Change
            && self.actions.as_ref().is_none_or(|actions| actions.contains(&Action::Deleted))
    }
}
