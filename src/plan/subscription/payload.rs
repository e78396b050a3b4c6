//! What a subscription answers to an event: a node read as any other, or what the event itself says.

use std::sync::Arc;

use super::{Answer, Payload, Watch};
use crate::model::{Model, TypeId, names};
use crate::plan::node::Statement;
use crate::plan::nulls::NullCheck;
use crate::plan::{Error, RootField, Source, filter, query, selection};
use crate::sql::Sql;
use crate::storage::{Action, Announcement, Cause, Event};

pub(super) fn action_name(action: Action) -> &'static str {
    match action {
        Action::Created => "CREATED",
        Action::Updated => "UPDATED",
        Action::Deleted => "DELETED",
    }
}

impl Watch {
    /// The answer to an event that [`Self::is_for`].
    ///
    /// # Errors
    /// Values and selections that cannot be used.
    pub fn answer<'a>(&self, source: Source<'a>, root: &RootField<'a>, event: &Event) -> Result<Answer<'a>, Error> {
        let Some(ty) = source.model.type_named(&event.announced.ty) else {
            return Err(Error::BadInput(format!("there is no type `{}`", event.announced.ty)));
        };
        match self.payload {
            Payload::Node => {
                let read = query::one_node(source, ty, root, &event.announced.key)?;
                Ok(Answer::Read(read.statement, read.null_check))
            }
            Payload::Reference => Ok(Answer::Known(reference(source, root, event), self.condition(source, ty, event)?)),
            Payload::Change => change(source, root, ty, event),
        }
    }

    /// An event of this kind that never was.
    pub(super) fn example(&self, model: &Model) -> Option<Event> {
        let ty = match &self.types {
            Some(types) => *types.first()?,
            None => model.objects().next()?.0,
        };
        let ty = Arc::clone(&model.node_type(ty).name);
        let announced = Announcement { ty, key: "".into(), cause: Cause::Create, topic: None };
        Some(Event { action: Action::Created, announced, before: None })
    }

    /// Has a row if the node has the value that is asked for.
    fn condition(&self, source: Source<'_>, ty: TypeId, event: &Event) -> Result<Option<Sql>, Error> {
        let Some((name, value)) = &self.equals else { return Ok(None) };
        let mut statement = Statement::new(source);
        let alias = statement.node_alias();
        let mut sql = Sql::new("select 1 from node ");
        sql.append(alias.sql()).push(" where ");
        sql.append(query::key_condition(source, alias, &[ty], &event.announced.key));
        let property = source.model.node_type(ty).property(name);
        let equal = property.map(|property| filter::equality(&mut statement.conditions(), alias, property, value));
        if let Some(equal) = equal.transpose()?.flatten() {
            sql.push(" and ").append(equal);
        }
        Ok(Some(sql))
    }
}

/// `{type, identifier}`, as selected.
fn reference(source: Source<'_>, root: &RootField<'_>, event: &Event) -> String {
    let api = source.model.api();
    let payload = api.field(crate::model::api::SUBSCRIPTION, root.name()).map_or("", |field| field.ty.name());
    let sets = selection::children(&root.fields);
    let collected = selection::collect(&source, |condition| condition == payload, &sets);
    let members = collected.into_iter().map(|(key, fields)| {
        let value = match fields.first().map(|field| field.node.name.node.as_str()) {
            Some("type") => &*event.announced.ty,
            Some("__typename") => payload,
            _ => &*event.announced.key,
        };
        (key.to_string(), value.into())
    });
    serde_json::Value::Object(members.collect()).to_string()
}

/// One statement, however often the node is selected.
fn change<'a>(source: Source<'a>, root: &RootField<'a>, ty: TypeId, event: &Event) -> Result<Answer<'a>, Error> {
    let sets = selection::children(&root.fields);
    let collected = selection::collect(&source, |condition| condition == names::NODE_CHANGE, &sets);
    if let Some(json) = known(&collected, event) {
        return Ok(Answer::Known(json, None));
    }
    let mut statement = Statement::new(source);
    let mut members = Vec::with_capacity(collected.len());
    let mut checks = Vec::new();
    for (key, fields) in collected {
        let mut value = Sql::default();
        match fields.first().map(|field| field.node.name.node.as_str()) {
            Some("action") => value.literal(action_name(event.action)),
            Some("type") => value.literal(&event.announced.ty),
            Some("key") => value.bind(&*event.announced.key),
            Some("node") => {
                let alias = statement.node_alias();
                let object = statement.object(&[ty], alias, &selection::children(&fields))?;
                value.push("(select ").append(object.form.json(source.dialect)).push(" from node ").append(alias.sql());
                value.push(" where ").append(query::key_condition(source, alias, &[ty], &event.announced.key));
                let below = RootField { response_key: key, fields };
                checks.push((key, NullCheck::node(source, &[ty], &below)));
                value.push(" limit 1)")
            }
            _ => value.literal(names::NODE_CHANGE),
        };
        members.push((key.as_str(), value));
    }
    let mut sql = Sql::new("select ");
    let payload = source.dialect.object(members);
    sql.append(source.dialect.answer(payload));
    let null_check = statement.needs_null_check.then(|| NullCheck::payload(checks));
    Ok(Answer::Read(sql, null_check))
}

/// What needs no node.
fn known(collected: &selection::Collected<'_>, event: &Event) -> Option<String> {
    let members = collected.iter().map(|(key, fields)| {
        let value = match fields.first().map(|field| field.node.name.node.as_str()) {
            Some("action") => action_name(event.action),
            Some("type") => &*event.announced.ty,
            Some("key") => &*event.announced.key,
            Some("node") => return None,
            _ => names::NODE_CHANGE,
        };
        Some((key.to_string(), value.into()))
    });
    Some(serde_json::Value::Object(members.collect::<Option<_>>()?).to_string())
}
