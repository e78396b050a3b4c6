//! Root queries: which nodes, in which order, as one JSON array.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::Value;

use super::filter;
use super::node::Statement;
use super::nulls::NullCheck;
use super::object::{RootForm, RootObject};
use super::page::{self, Alias, Unique};
use super::{Arguments, Error, RootField, Source, input, search, selection};
use crate::model::api::QUERY;
use crate::model::columns::system;
use crate::model::{QueryField, TypeId};
use crate::sql::{Dialect, Rows, Sql};

/// A statement that gives the JSON of a root field, and how to check it.
#[derive(Debug)]
pub struct Read<'a> {
    /// One row, one column: JSON text.
    pub statement: Sql,
    /// What may not be null although storage cannot promise it.
    pub null_check: Option<NullCheck<'a>>,
}

/// Plans a field of the query root.
///
/// # Errors
/// Arguments that cannot be used.
pub fn query<'a>(source: Source<'a>, root: &RootField<'a>) -> Result<Read<'a>, Error> {
    let name = root.name();
    let model = source.model;
    let (Some(query), Some(published), Some(field)) =
        (model.queries().get(name), model.api().field(QUERY, name), root.fields.first())
    else {
        return Err(Error::BadInput(format!("`{name}` is not a query")));
    };
    let mut arguments = input::coerce_arguments(model.api(), &published.arguments, &field.node, source.variables)?;
    let ty = match query {
        QueryField::Nodes(ty) => *ty,
        QueryField::Matches { ty, property, operator, argument } => {
            let operand = arguments.shift_remove(&**argument).unwrap_or(Value::Null);
            let key = if operator.is_empty() { property.to_string() } else { [property, "_", operator].concat() };
            and_filter(&mut arguments, &key, operand);
            *ty
        }
        QueryField::Search(field) => return search::search(source, field, root, &arguments),
        QueryField::Resolver(name) => return Err(Error::NotImplemented(name.to_string())),
    };
    nodes(source, ty, root, &arguments)
}

/// Adds an entry to the `filter` argument, beside what a client put there.
fn and_filter(arguments: &mut Arguments, key: &str, operand: Value) {
    let own = Value::Object([(async_graphql::Name::new(key), operand)].into_iter().collect());
    let filter = match arguments.shift_remove("filter") {
        Some(given @ Value::Object(_)) => {
            Value::Object([(async_graphql::Name::new("AND"), Value::List(vec![own, given]))].into_iter().collect())
        }
        _ => own,
    };
    arguments.insert(async_graphql::Name::new("filter"), filter);
}

fn nodes<'a>(source: Source<'a>, ty: TypeId, root: &RootField<'a>, arguments: &Arguments) -> Result<Read<'a>, Error> {
    let model = source.model;
    let node_type = model.node_type(ty);
    let sets = selection::children(&root.fields);
    let types = selection::narrowed(&source, ty, &sets);
    let mut statement = Statement::new(source);
    let alias = statement.node_alias();
    let object = statement.root_object(&types, alias, root)?;
    let mut conditions = vec![filter::has_type(model, alias, &types)];
    for (name, value) in arguments {
        match (name.as_str(), node_type.property(name)) {
            (_, Some(property)) => {
                conditions.extend(filter::equality(&mut statement.conditions(), alias, property, value)?);
            }
            ("_id", None) => conditions.push(number_condition(alias, value)),
            ("filter", None) => {
                if let Value::Object(given) = value {
                    conditions.extend(statement.conditions().filter(ty, alias, given)?);
                }
            }
            _ => {}
        }
    }
    let unique = if types.len() == 1 { Unique::of(node_type, arguments) } else { None };
    let order = match unique {
        Some(unique) => unique.order(alias),
        None => page::order(model, node_type, alias, arguments, alias.column(system::ID)),
    };
    let limit = match (unique, page::offset(arguments)) {
        (Some(unique), Some(offset)) if source.dialect == Dialect::Postgres && conditions.len() == 1 => {
            let skipped = statement.node_alias();
            let is_skipped = filter::has_type(model, skipped, &types);
            conditions.push(unique.instead_of_offset(alias, skipped, is_skipped, offset));
            page::limit_alone(source.dialect, arguments)
        }
        _ => page::limit(source.dialect, arguments),
    };
    let mut rows = Sql::new(" from node ");
    rows.append(alias.sql()).push(" where ").join(" and ", conditions).append(order).append(limit);
    let mut sql = Sql::new("select ");
    // Without anything below the nodes there is no need to find the page first, unless that is done without looking at them.
    let is_in_index = || types.len() == 1 && page::is_in_index(model, node_type, arguments);
    let form = match object.form {
        RootForm::Row { members, columns, is_flat: true } if !is_in_index() => {
            sql.append(columns).append(rows);
            return Ok(Read { statement: sql.answering(Rows { members, is_list: true }), null_check: None });
        }
        form => form,
    };
    let object = RootObject { form, ..object };
    sql.append(alias.column(system::ID)).append(rows);
    let null_check = statement.needs_null_check.then(|| NullCheck::list(source, &types, root));
    Ok(Read { statement: source.dialect.array_of_page(object, sql, statement.page_alias(), alias), null_check })
}

/// `_id: "17"`; anything that is no number matches nothing, null matches nothing.
fn number_condition(alias: Alias, value: &Value) -> Sql {
    let number = match value {
        Value::String(text) => text.parse::<i64>().ok(),
        _ => None,
    };
    let Some(number) = number else { return Sql::new("false") };
    let mut sql = alias.column(system::ID);
    sql.push(" = ").bind(number);
    sql
}

/// The object of the one node that `condition` names, as a statement of its own; no row if there is none.
///
/// # Errors
/// Values and selections that cannot be used.
pub fn one_node<'a>(source: Source<'a>, ty: TypeId, root: &RootField<'a>, key: &str) -> Result<Read<'a>, Error> {
    let types = &source.model.node_type(ty).possible;
    let mut statement = Statement::new(source);
    let alias = statement.node_alias();
    let object = statement.root_object(types, alias, root)?;
    let (mut sql, rows) = object.select_one(source.dialect);
    sql.push(" from node ").append(alias.sql()).push(" where ").append(key_condition(source, alias, types, key));
    sql.push(" order by ").append(alias.column(system::ID)).push(" limit 1");
    let null_check = statement.needs_null_check.then(|| NullCheck::node(source, types, root));
    Ok(Read { statement: answering(sql, rows), null_check })
}

/// The object of the node that a statement of this name returns, and the columns that it has to return besides the node's number.
///
/// # Errors
/// Values and selections that cannot be used.
pub fn returned_node<'a>(
    source: Source<'a>,
    ty: TypeId,
    root: &RootField<'a>,
    name: &'static str,
) -> Result<(Read<'a>, Arc<BTreeSet<String>>), Error> {
    let mut statement = Statement::new(source);
    let alias = statement.node_alias();
    let object = statement.root_object(&[ty], alias, root)?;
    let columns = Arc::clone(&object.columns);
    let (mut sql, rows) = object.select_one(source.dialect);
    sql.push(" from ").push(name).push(" ").append(alias.sql());
    let null_check = statement.needs_null_check.then(|| NullCheck::node(source, &[ty], root));
    Ok((Read { statement: answering(sql, rows), null_check }, columns))
}

fn answering(sql: Sql, rows: Option<Rows>) -> Sql {
    match rows {
        Some(rows) => sql.answering(rows),
        None => sql,
    }
}

/// The condition that a node has this key and one of these types.
pub fn key_condition(source: Source<'_>, alias: Alias, types: &[TypeId], key: &str) -> Sql {
    let mut sql = alias.column(system::KEY);
    sql.push(" = ").bind(key).push(" and ").append(filter::has_type(source.model, alias, types));
    sql
}
