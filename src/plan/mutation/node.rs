//! Create, Update, Merge and Delete.

use std::sync::Arc;

use async_graphql::Value;

use super::{Change, check_urls, index};
use crate::model::columns::system;
use crate::model::{NodeAction, NodeType, Property, TypeId};
use crate::plan::nulls::NullCheck;
use crate::plan::query::{self, Read};
use crate::plan::{Arguments, Error, RootField, Source, filter};
use crate::sql::{Dialect, Parameter, Sql};
use crate::storage::{Announcement, Cause, Write};
use crate::value::DateTime;

pub(super) fn plan<'a>(
    source: Source<'a>,
    root: &RootField<'a>,
    action: NodeAction,
    ty: TypeId,
    arguments: &Arguments,
    new_key: impl FnOnce() -> String,
) -> Result<Change<'a>, Error> {
    let node_type = source.model.node_type(ty);
    check_urls(node_type, arguments)?;
    let key = match arguments.get(&*node_type.key) {
        Some(Value::String(key)) => key.clone(),
        _ => new_key(),
    };
    let change = Planned { source, node_type, key: &key, arguments };
    let cause = match action {
        NodeAction::Create => Cause::Create,
        NodeAction::Update => Cause::Update,
        NodeAction::Delete => Cause::Delete,
        NodeAction::Merge => Cause::Merge,
    };
    let announcement =
        Some(Announcement { ty: Arc::clone(&node_type.name), key: key.as_str().into(), cause, topic: None });
    let conflict = format!("{} with {} \"{key}\" already exists", node_type.name, node_type.key);
    if source.dialect == Dialect::Postgres && action == NodeAction::Create {
        let (write, null_check) = change.create_and_read(ty, root)?;
        return Ok(Change { write, null_check, announcement, conflict, keys: vec![key] });
    }
    let Read { statement: read, null_check } = query::one_node(source, ty, root, &key)?;
    let write = match action {
        NodeAction::Create => Write::Change { statements: change.create()?, read },
        NodeAction::Update => Write::Change { statements: change.change()?, read },
        NodeAction::Delete => Write::Delete { read, statement: change.delete() },
        NodeAction::Merge => {
            let create = match change.missing() {
                Some(missing) => Err(format!(
                    "{} with {} \"{}\" does not exist, and cannot be created without `{missing}`",
                    node_type.name, node_type.key, key
                )),
                None => Ok(change.create()?),
            };
            Write::Merge { find: change.find(), create, update: change.change()?, read }
        }
    };
    Ok(Change { write, null_check, announcement, conflict, keys: vec![key] })
}

/// The new node within the statement that creates it.
const CREATED: &str = "created";

struct Planned<'a, 'b> {
    source: Source<'a>,
    node_type: &'a NodeType,
    key: &'b str,
    arguments: &'b Arguments,
}

/// When the server sets a property by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Create,
    Update,
}

impl<'a> Planned<'a, '_> {
    /// Stored properties with the value that the write gives them. Clients do not set timestamps; absent ones stay as they are.
    fn values(&self, event: Event) -> Result<Vec<(&str, Parameter)>, Error> {
        let mut values = Vec::new();
        for property in self.node_type.properties() {
            let Some(column) = property.column.map(|id| self.source.model.column(id).name.as_str()) else { continue };
            if let Some(timestamp) = property.timestamp {
                let is_set = if event == Event::Create { timestamp.on_create } else { timestamp.on_update };
                if is_set {
                    values.push((column, DateTime::now_utc_millis(self.source.now).to_stored().into()));
                }
                continue;
            }
            if let Some(value) = self.arguments.get(&*property.name) {
                check_not_null(property, value)?;
                if event == Event::Create && *value == Value::Null {
                    continue;
                }
                values.push((column, filter::stored(property, value, self.source.now)?));
            }
        }
        Ok(values)
    }

    fn create(&self) -> Result<Vec<Sql>, Error> {
        let mut statements = vec![self.insert()?];
        let index = index::created(&self.source, self.node_type, self.arguments, None);
        statements.extend(index.into_iter().map(|(_, part)| part));
        Ok(statements)
    }

    /// One statement: nothing is related to the new node, so that its object is in what the insertion returns.
    fn create_and_read(&self, ty: TypeId, root: &RootField<'a>) -> Result<(Write, Option<NullCheck<'a>>), Error> {
        let (Read { statement: read, null_check }, columns) = query::returned_node(self.source, ty, root, CREATED)?;
        let mut insert = self.insert()?;
        insert.push(" returning ").ident(system::ID);
        for column in &*columns {
            insert.push(", ").ident(column);
        }
        let index = index::created(&self.source, self.node_type, self.arguments, Some(CREATED));
        let parts = std::iter::once((Some(CREATED), insert)).chain(index);
        Ok((Write::Together { parts: parts.collect(), read }, null_check))
    }

    fn change(&self) -> Result<Vec<Sql>, Error> {
        let mut statements = vec![self.update()?];
        statements.extend(index::changed(&self.source, self.node_type, self.arguments, &self.this_node()));
        Ok(statements)
    }

    fn insert(&self) -> Result<Sql, Error> {
        let values = self.values(Event::Create)?;
        let mut sql = Sql::new("insert into node (");
        sql.ident(system::TYPE).push(", ").ident(system::KEY);
        for (column, _) in &values {
            sql.push(", ").ident(column);
        }
        sql.push(") values (").literal(&self.node_type.name).push(", ").bind(self.key);
        for (_, value) in values {
            sql.push(", ").bind(value);
        }
        sql.push(")");
        Ok(sql)
    }

    fn update(&self) -> Result<Sql, Error> {
        let values = self.values(Event::Update)?;
        let mut sql = Sql::new("update node set ");
        // A column that keeps its value makes the statement well formed when nothing is to be changed.
        sql.ident(system::KEY).push(" = ").ident(system::KEY);
        for (column, value) in values {
            sql.push(", ").ident(column).push(" = ").bind(value);
        }
        sql.append(self.this_node());
        Ok(sql)
    }

    fn delete(&self) -> Sql {
        let mut sql = Sql::new("delete from node");
        sql.append(self.this_node());
        sql
    }

    fn find(&self) -> Sql {
        let mut sql = Sql::new("select 1 from node");
        sql.append(self.this_node());
        sql
    }

    fn this_node(&self) -> Sql {
        let mut sql = Sql::new(" where ");
        sql.ident(system::KEY)
            .push(" = ")
            .bind(self.key)
            .push(" and ")
            .ident(system::TYPE)
            .push(" = ")
            .literal(&self.node_type.name);
        sql
    }

    /// A required property that is not given.
    fn missing(&self) -> Option<&str> {
        let is_missing = |property: &&Property| {
            property.non_null
                && property.column.is_some()
                && property.timestamp.is_none()
                && !self.arguments.contains_key(&*property.name)
        };
        self.node_type.properties().find(is_missing).map(|property| &*property.name)
    }
}

fn check_not_null(property: &Property, value: &Value) -> Result<(), Error> {
    if property.non_null && *value == Value::Null {
        return Err(Error::BadInput(format!("`{}` is required and cannot be set to null", property.name)));
    }
    Ok(())
}
