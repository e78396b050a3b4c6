//! Add, Merge and Remove of relations.

use async_graphql::Value;

use super::Change;
use crate::model::columns::system;
use crate::model::types::Direction;
use crate::model::{RelationAction, TypeId};
use crate::plan::node::Statement;
use crate::plan::nulls::NullCheck;
use crate::plan::page::Alias;
use crate::plan::query::key_condition;
use crate::plan::{Arguments, Error, RootField, Source, selection};
use crate::sql::{Dialect, Sql};
use crate::storage::Write;

pub(super) fn plan<'a>(
    source: Source<'a>,
    root: &RootField<'a>,
    action: RelationAction,
    owner: TypeId,
    field: &str,
    arguments: &Arguments,
) -> Result<Change<'a>, Error> {
    let model = source.model;
    let Some(relation) = model.node_type(owner).relation(field) else {
        return Err(Error::BadInput(format!("`{}` is not a mutation", root.name())));
    };
    let (from, to) = match relation.direction {
        Direction::Out => (owner, relation.target),
        Direction::In => (relation.target, owner),
    };
    let ends = Ends {
        source,
        name: &relation.name,
        from: End { types: &model.node_type(from).possible, key: end_key(source, arguments, "from", from)? },
        to: End { types: &model.node_type(to).possible, key: end_key(source, arguments, "to", to)? },
    };
    let statement = match action {
        RelationAction::Add => ordered(ends.insert()),
        RelationAction::Merge => ordered(ends.insert_unless_there()),
        RelationAction::Remove => ends.delete(),
    };
    let (read, null_check, is_flat) = ends.payload(root)?;
    let keys = vec![ends.from.key.to_owned(), ends.to.key.to_owned()];
    let write = if source.dialect == Dialect::Postgres && is_flat {
        Write::Together { parts: vec![(None, statement)], read }
    } else {
        Write::Change { statements: vec![statement], read }
    };
    Ok(Change { write, null_check, announcement: None, conflict: String::new(), keys })
}

fn end_key<'v>(source: Source<'_>, arguments: &'v Arguments, end: &str, ty: TypeId) -> Result<&'v str, Error> {
    let key = &source.model.node_type(ty).key;
    match arguments.get(end) {
        Some(Value::Object(input)) => match input.get(&**key) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(Error::BadInput(format!("`{end}` needs `{key}`"))),
        },
        _ => Err(Error::BadInput(format!("`{end}` is missing"))),
    }
}

struct End<'a, 'v> {
    types: &'a [TypeId],
    key: &'v str,
}

struct Ends<'a, 'v> {
    source: Source<'a>,
    name: &'a str,
    from: End<'a, 'v>,
    to: End<'a, 'v>,
}

/// Aliases of the two ends, clear of those that the payload's selections number from 1.
const FROM: usize = 9_001;
const TO: usize = 9_002;

impl<'a> Ends<'a, '_> {
    /// ` from node … where …`: each pair of nodes with these keys and types, in no order.
    fn pairs(&self) -> Sql {
        let (from, to) = (Alias::node(FROM), Alias::node(TO));
        let mut sql = Sql::new(" from node ");
        sql.append(from.sql()).push(" cross join node ").append(to.sql());
        sql.push(" where ").append(key_condition(self.source, from, self.from.types, self.from.key));
        sql.push(" and ").append(key_condition(self.source, to, self.to.types, self.to.key));
        sql
    }

    fn insert(&self) -> Sql {
        let mut sql = Sql::new("insert into relation (name, source, target) select ");
        sql.literal(self.name)
            .push(", ")
            .append(Alias::node(FROM).column(system::ID))
            .push(", ")
            .append(Alias::node(TO).column(system::ID));
        sql.append(self.pairs());
        sql
    }

    fn insert_unless_there(&self) -> Sql {
        let mut sql = self.insert();
        sql.push(" and not exists (select 1 from relation r where r.source = ")
            .append(Alias::node(FROM).column(system::ID));
        sql.push(" and r.name = ")
            .literal(self.name)
            .push(" and r.target = ")
            .append(Alias::node(TO).column(system::ID))
            .push(")");
        sql
    }

    fn delete(&self) -> Sql {
        let mut sql = Sql::new("delete from relation where id in (select r.id from node ");
        let (from, to) = (Alias::node(FROM), Alias::node(TO));
        sql.append(from.sql()).push(" cross join node ").append(to.sql()).push(" cross join relation r where ");
        sql.append(key_condition(self.source, from, self.from.types, self.from.key));
        sql.push(" and ").append(key_condition(self.source, to, self.to.types, self.to.key));
        sql.push(" and r.source = ").append(from.column(system::ID)).push(" and r.name = ").literal(self.name);
        sql.push(" and r.target = ").append(to.column(system::ID)).push(")");
        sql
    }

    /// The payload as it is afterwards; no row if a node is missing. And whether it is of the two nodes alone, so that it stays the same.
    fn payload(&self, root: &RootField<'a>) -> Result<(Sql, Option<NullCheck<'a>>, bool), Error> {
        let mut statement = Statement::new(self.source);
        let payload_type = ["_", root.name(), "Payload"].concat();
        let collected =
            selection::collect(&self.source, |condition| condition == payload_type, &selection::children(&root.fields));
        let mut members = Vec::with_capacity(collected.len());
        let mut checks = Vec::new();
        for (key, fields) in collected {
            let end = match fields.first().map(|field| field.node.name.node.as_str()) {
                Some("from") => (Alias::node(FROM), self.from.types),
                Some("to") => (Alias::node(TO), self.to.types),
                _ => {
                    let mut sql = Sql::default();
                    sql.literal(&payload_type);
                    members.push((key.as_str(), sql));
                    continue;
                }
            };
            let object = statement.object(end.1, end.0, &selection::children(&fields))?;
            let below = RootField { response_key: key, fields };
            checks.push((key, NullCheck::node(self.source, end.1, &below)));
            members.push((key.as_str(), object.form.json(self.source.dialect)));
        }
        let mut sql = Sql::new("select ");
        let payload = self.source.dialect.object(members);
        sql.append(self.source.dialect.answer(payload)).append(self.pairs());
        let mut sql = ordered(sql);
        sql.push(" limit 1");
        let null_check = statement.needs_null_check.then(|| NullCheck::payload(checks));
        Ok((sql, null_check, statement.is_flat()))
    }
}

/// Pairs in the order of their nodes' creation: relations that come into being together are listed in it.
fn ordered(mut pairs: Sql) -> Sql {
    pairs.push(" order by ").append(Alias::node(FROM).column(system::ID));
    pairs.push(", ").append(Alias::node(TO).column(system::ID));
    pairs
}
