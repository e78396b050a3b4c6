//! Conditions on related nodes. All but `null` ask for at least one related node: clients of the Contributor Environment rely on it.

use async_graphql::Value;

use super::{Conditions, Filter, Related, has_type, is_selective};
use crate::model::columns::system;
use crate::model::types::Direction;
use crate::model::{Model, Relation, TypeId};
use crate::plan::Error;
use crate::plan::page::Alias;
use crate::sql::{Dialect, Sql};

impl Conditions<'_, '_> {
    pub(super) fn relation(
        &mut self,
        owner: Alias,
        relation: &Relation,
        operator: &str,
        value: &Value,
    ) -> Result<Option<Sql>, Error> {
        let related = Related { relation, owner };
        let sql = match (operator, value) {
            ("", Value::Null) => negated(self.exists(related, Which::All)?),
            ("not", Value::Null) => self.exists(related, Which::All)?,
            (_, Value::Null) => return Ok(None),
            ("" | "every", Value::Object(filter)) => self.every(related, &[filter])?,
            ("some", Value::Object(filter)) => self.exists(related, Which::Matching(&[filter]))?,
            ("none" | "not", Value::Object(filter)) => self.none(related, &[filter])?,
            ("single", Value::Object(filter)) => self.single(related, filter)?,
            ("in", Value::List(entries)) if entries.is_empty() => Sql::new("false"),
            ("not_in", Value::List(entries)) if entries.is_empty() => self.exists(related, Which::All)?,
            ("in", Value::List(entries)) => self.every(related, &filters(entries))?,
            ("not_in", Value::List(entries)) => self.none(related, &filters(entries))?,
            _ => return Err(Error::BadInput(format!("`{operator}` is not an operator on related nodes"))),
        };
        Ok(Some(sql))
    }

    /// At least one related node, and all match one of the filters.
    fn every(&mut self, related: Related<'_>, filters: &[&Filter]) -> Result<Sql, Error> {
        let matching = self.exists(related, Which::Matching(filters))?;
        if filters.iter().any(|filter| filter.is_empty()) {
            return Ok(matching);
        }
        let other = negated(self.exists(related, Which::Other(filters))?);
        Ok(both(matching, other))
    }

    /// At least one related node, and none matches any of the filters.
    fn none(&mut self, related: Related<'_>, filters: &[&Filter]) -> Result<Sql, Error> {
        let any = self.exists(related, Which::All)?;
        let matching = negated(self.exists(related, Which::Matching(filters))?);
        Ok(both(any, matching))
    }

    /// Exactly one related node matches.
    fn single(&mut self, related: Related<'_>, filter: &Filter) -> Result<Sql, Error> {
        let (rows, _) = self.rows(related, Which::Matching(&[filter]), "count(*)")?;
        let mut sql = Sql::new("(");
        sql.append(rows).push(") = 1");
        Ok(sql)
    }

    fn exists(&mut self, related: Related<'_>, which: Which<'_>) -> Result<Sql, Error> {
        let target = self.source.model.node_type(related.relation.target);
        if let Which::Matching([filter]) = which
            && is_selective(target, filter)
        {
            return self.starting_from_key(related, filter);
        }
        let (rows, _) = self.rows(related, which, "1")?;
        let mut sql = Sql::new("exists (");
        // As in `dialect::any_item`, the limit keeps SQLite from making a join of it.
        sql.append(rows).push(" limit 1)");
        Ok(sql)
    }

    fn rows(&mut self, related: Related<'_>, which: Which<'_>, columns: &'static str) -> Result<(Sql, Alias), Error> {
        let (number, target) = (self.number(), related.relation.target);
        let (link, node) = (Alias::relation(number), Alias::node(number));
        let mut sql = Sql::new("select ");
        let types = &self.source.model.node_type(target).possible;
        sql.push(columns).append(related_rows(
            self.source.dialect,
            self.source.model,
            related.relation,
            related.owner,
            link,
            node,
            types,
        ));
        match which {
            Which::All => {}
            Which::Matching(filters) => {
                if let Some(condition) = self.any_filter(target, node, filters)? {
                    sql.push(" and ").append(condition);
                }
            }
            Which::Other(filters) => match self.any_filter(target, node, filters)? {
                Some(condition) => {
                    sql.push(" and (").append(condition).push(") is not true");
                }
                // No condition: all match, and there are no others.
                None => {
                    sql.push(" and false");
                }
            },
        }
        Ok((sql, node))
    }

    fn any_filter(&mut self, target: TypeId, node: Alias, filters: &[&Filter]) -> Result<Option<Sql>, Error> {
        if let [only] = filters {
            return self.filter(target, node, only);
        }
        let entries: Vec<Value> = filters.iter().map(|filter| Value::Object((*filter).clone())).collect();
        self.any_of(target, node, &entries).map(Some)
    }

    /// The nodes related to those that the filter names, found from their keys.
    fn starting_from_key(&mut self, related: Related<'_>, filter: &Filter) -> Result<Sql, Error> {
        let (number, target) = (self.number(), related.relation.target);
        let (link, node) = (Alias::relation(number), Alias::node(number));
        let (own, other) = ends(related.relation.direction);
        let mut sql = related.owner.column(system::ID);
        sql.push(" in (select ")
            .append(link.column(own))
            .push(" from node ")
            .append(node.sql())
            .push(" cross join relation ")
            .append(link.sql());
        sql.push(" where ").append(has_type(self.source.model, node, &self.source.model.node_type(target).possible));
        sql.push(" and ").append(link.column(other)).push(" = ").append(node.column(system::ID));
        sql.push(" and ").append(link.column("name")).push(" = ").literal(&related.relation.name);
        if let Some(condition) = self.filter(target, node, filter)? {
            sql.push(" and ").append(condition);
        }
        sql.push(")");
        Ok(sql)
    }
}

/// ` from relation … where …`: nodes of these types that `owner` is related to. The join goes from the relation to the node.
pub fn related_rows(
    dialect: Dialect,
    model: &Model,
    relation: &Relation,
    owner: Alias,
    link: Alias,
    node: Alias,
    types: &[TypeId],
) -> Sql {
    let (own, other) = ends(relation.direction);
    let mut sql = Sql::new(" from relation ");
    sql.append(link.sql()).push(" cross join node ").append(node.sql());
    sql.push(" where ").append(link.column(own)).push(" = ").append(owner.column(system::ID));
    sql.push(" and ").append(link.column("name")).push(" = ").literal(&relation.name);
    sql.push(" and ").append(node.column(system::ID)).push(" = ").append(link.column(other));
    let has_type = has_type(model, node, types);
    match dialect {
        Dialect::Sqlite => sql.push(" and ").append(has_type),
        // In a form that no index serves: the one of node numbers is the best, and PostgreSQL would take that of types.
        Dialect::Postgres => sql.push(" and (").append(has_type).push(") is true"),
    };
    sql
}

#[derive(Debug, Clone, Copy)]
enum Which<'f> {
    /// All related nodes.
    All,
    /// Those that match one of the filters.
    Matching(&'f [&'f Filter]),
    /// Those that match none, unknown included.
    Other(&'f [&'f Filter]),
}

/// Columns of the relation at the owner's end and at the other.
fn ends(direction: Direction) -> (&'static str, &'static str) {
    match direction {
        Direction::Out => ("source", "target"),
        Direction::In => ("target", "source"),
    }
}

fn filters(entries: &[Value]) -> Vec<&Filter> {
    entries
        .iter()
        .filter_map(|entry| match entry {
            Value::Object(filter) => Some(filter),
            _ => None,
        })
        .collect()
}

fn both(first: Sql, second: Sql) -> Sql {
    let mut sql = Sql::new("(");
    sql.append(first).push(" and ").append(second).push(")");
    sql
}

fn negated(condition: Sql) -> Sql {
    let mut sql = Sql::new("not ");
    sql.append(condition);
    sql
}
