//! JSON of nodes: the members that a selection asks for, and the rows of related nodes below them.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::Positioned;
use async_graphql::parser::types::{Field as Selected, SelectionSet};

use super::filter::{self, Conditions};
use super::kept::{Kept, KeptObject};
use super::member::{Member, MemberValue, Shape, is_same_shape, members, required};
use super::object::{Form, NodeObject, RootObject};
use super::page::{self, Alias};
use super::selection::{self, Collected};
use super::{Arguments, Error, RootField, Source, dialect, input, nulls, temporal};
use crate::model::columns::system;
use crate::model::{Property, Relation, StorageType, TypeId};
use crate::sql::Sql;

/// A statement under construction.
#[derive(Debug)]
pub struct Statement<'a> {
    /// Model, document, variables.
    pub source: Source<'a>,
    next: usize,
    /// Whether a non-null field is selected that storage cannot promise, so that the answer has to be checked for nulls.
    pub needs_null_check: bool,
    /// A computed property that has a value in this statement.
    pub score: Option<Score>,
}

/// How well a node fits, as the value of a property of one node of a statement.
#[derive(Debug, Clone)]
pub struct Score {
    /// The node.
    pub node: Alias,
    /// Name of the property.
    pub property: Arc<str>,
    /// A number.
    pub value: Sql,
}

impl<'a> Statement<'a> {
    /// An empty statement.
    pub fn new(source: Source<'a>) -> Self {
        Self { source, next: 0, needs_null_check: false, score: None }
    }

    /// A node alias that the statement does not have yet.
    pub fn node_alias(&mut self) -> Alias {
        self.next += 1;
        Alias::node(self.next)
    }

    /// A page alias that the statement does not have yet.
    pub fn page_alias(&mut self) -> Alias {
        self.next += 1;
        Alias::page(self.next)
    }

    /// Whether it has no nodes yet besides those of aliases from elsewhere.
    pub fn is_flat(&self) -> bool {
        self.next == 0
    }

    /// Conditions that share the statement's numbering.
    pub fn conditions(&mut self) -> Conditions<'a, '_> {
        Conditions { source: self.source, next: &mut self.next }
    }

    /// The object of a root field's node.
    ///
    /// # Errors
    /// Values and selections that cannot be used.
    pub fn root_object(&mut self, types: &[TypeId], alias: Alias, root: &RootField<'a>) -> Result<RootObject, Error> {
        // Several fields of one key may be others with other variables.
        let [field] = root.fields.as_slice() else {
            return self.root_object_of(types, alias, &selection::children(&root.fields));
        };
        let kept = self.source.kept.get(field.pos);
        if let Some(Kept::Object(kept)) = &kept
            && kept.aliases.0 == self.next
        {
            self.next = kept.aliases.1;
            self.needs_null_check |= kept.needs_null_check;
            return Ok(kept.object.clone());
        }
        let before = self.next;
        let object = self.root_object_of(types, alias, &[&field.node.selection_set.node])?;
        if kept.is_none() {
            let (aliases, needs_null_check) = ((before, self.next), self.needs_null_check);
            let kept = KeptObject { object: object.clone(), aliases, needs_null_check };
            self.source.kept.keep(&self.source, field, kept);
        }
        Ok(object)
    }

    fn root_object_of(
        &mut self,
        types: &[TypeId],
        alias: Alias,
        sets: &[&'a SelectionSet],
    ) -> Result<RootObject, Error> {
        let before = self.next;
        let object = self.object(types, alias, sets)?;
        Ok(object.root(self.source.dialect, self.next == before))
    }

    /// The object of a node of one of `types`. Types that give the same members share an expression.
    ///
    /// # Errors
    /// Values and selections that cannot be used.
    pub fn object(
        &mut self,
        types: &[TypeId],
        alias: Alias,
        sets: &[&'a SelectionSet],
    ) -> Result<NodeObject<'a>, Error> {
        let shapes = self.shapes_of(types, sets)?;
        self.shapes(shapes, alias)
    }

    /// The different lists of members that nodes of these types have.
    fn shapes_of(&self, types: &[TypeId], sets: &[&'a SelectionSet]) -> Result<Vec<Shape<'a>>, Error> {
        let mut shapes: Vec<Shape<'a>> = Vec::new();
        let mut collected: Vec<(Vec<bool>, Collected<'a>)> = Vec::new();
        let conditions = selection_conditions(&self.source, sets);
        for &id in types {
            let node_type = self.source.model.node_type(id);
            let holds: Vec<bool> = conditions
                .iter()
                .map(|condition| selection::condition_holds(self.source.model, node_type, condition))
                .collect();
            let position = collected.iter().position(|(known, _)| *known == holds).unwrap_or_else(|| {
                let applies = |condition: &str| selection::condition_holds(self.source.model, node_type, condition);
                collected.push((holds, selection::collect(&self.source, applies, sets)));
                collected.len() - 1
            });
            let Some((_, fields)) = collected.get(position) else { continue };
            let members = members(node_type, fields)?;
            match shapes.iter_mut().find(|(known, _)| is_same_shape(known, &members)) {
                Some((_, types)) => types.push(id),
                None => shapes.push((members, vec![id])),
            }
        }
        Ok(shapes)
    }

    fn shapes(&mut self, mut shapes: Vec<Shape<'a>>, alias: Alias) -> Result<NodeObject<'a>, Error> {
        let mut columns = BTreeSet::new();
        let Some((last, last_types)) = shapes.pop() else {
            return Ok(NodeObject { form: Form::Members(Vec::new()), columns });
        };
        if shapes.is_empty() {
            let form = self.members(&last, &last_types, alias, &mut columns)?;
            return Ok(NodeObject { form, columns });
        }
        let dialect = self.source.dialect;
        columns.insert(system::TYPE.to_owned());
        let mut json = Sql::new("case");
        for (members, types) in shapes {
            json.push(" when ").append(filter::has_type(self.source.model, alias, &types)).push(" then ");
            json.append(self.members(&members, &types, alias, &mut columns)?.json(dialect));
        }
        json.push(" else ").append(self.members(&last, &last_types, alias, &mut columns)?.json(dialect)).push(" end");
        Ok(NodeObject { form: Form::Json(json), columns })
    }

    fn members(
        &mut self,
        members: &[Member<'a>],
        types: &[TypeId],
        alias: Alias,
        columns: &mut BTreeSet<String>,
    ) -> Result<Form<'a>, Error> {
        let values = self.values(members, types, alias, columns)?;
        let required = required(members);
        if required.is_empty() {
            return Ok(Form::Members(values));
        }
        self.needs_null_check = true;
        let owner = types.first().map_or("", |id| &*self.source.model.node_type(*id).name);
        let mut json = Sql::new("case");
        for (key, property) in required {
            let Some(column) = filter::property_column(self.source.model, &alias, property) else { continue };
            json.push(" when ")
                .append(column)
                .push(" is null then ")
                .append(self.source.dialect.json_text(&nulls::mark(key, owner, &property.name)));
        }
        json.push(" else ").append(self.source.dialect.object(values)).push(" end");
        Ok(Form::Json(json))
    }

    fn values(
        &mut self,
        members: &[Member<'a>],
        types: &[TypeId],
        alias: Alias,
        columns: &mut BTreeSet<String>,
    ) -> Result<Vec<(&'a str, Sql)>, Error> {
        if members.len() > dialect::MEMBERS_MAX {
            return Err(Error::TooLarge(format!(
                "a selection of nodes has at most {} fields; ask for fewer, or in several queries",
                dialect::MEMBERS_MAX
            )));
        }
        let mut values = Vec::with_capacity(members.len());
        for member in members {
            let value = match member.value {
                MemberValue::TypeName => self.type_name(types, alias, columns),
                MemberValue::Number => dialect::number_as_text(alias.column(system::ID)),
                MemberValue::Property(property) => self.property(property, &member.fields, alias, columns)?,
                MemberValue::Relation(relation) => self.relation(types, relation, &member.fields, alias)?,
            };
            values.push((member.key.as_str(), value));
        }
        Ok(values)
    }

    fn type_name(&self, types: &[TypeId], alias: Alias, columns: &mut BTreeSet<String>) -> Sql {
        if let [only] = types {
            let mut sql = Sql::default();
            sql.literal(&self.source.model.node_type(*only).name);
            return sql;
        }
        columns.insert(system::TYPE.to_owned());
        alias.column(system::TYPE)
    }

    fn property(
        &self,
        property: &Property,
        fields: &[&'a Positioned<Selected>],
        alias: Alias,
        columns: &mut BTreeSet<String>,
    ) -> Result<Sql, Error> {
        let (column, storage) = match property.column.map(|id| self.source.model.column(id)) {
            Some(column) => (column.name.as_str(), column.storage),
            None if property.is_key => (system::KEY, StorageType::Text),
            None if property.ty.is_temporal() => {
                return temporal::object(&self.source, &property.ty, &Sql::new("null"), fields);
            }
            None => {
                let score = self.score.as_ref().filter(|it| it.node == alias && it.property == property.name);
                return Ok(score.map_or_else(|| Sql::new("null"), |score| score.value.clone()));
            }
        };
        columns.insert(column.to_owned());
        let column = alias.column(column);
        if property.ty.is_temporal() && !property.is_list {
            return temporal::object(&self.source, &property.ty, &column, fields);
        }
        Ok(self.source.dialect.json_value(column, storage))
    }

    /// Related nodes, paged before anything below them is looked at.
    fn relation(
        &mut self,
        owners: &[TypeId],
        relation: &'a Relation,
        fields: &[&'a Positioned<Selected>],
        owner: Alias,
    ) -> Result<Sql, Error> {
        let arguments = self.relation_arguments(owners, relation, fields)?;
        let target = self.source.model.node_type(relation.target);
        let sets = selection::children(fields);
        let types = selection::narrowed(&self.source, relation.target, &sets);
        let alias = self.node_alias();
        self.next += 1;
        let link = Alias::relation(self.next);
        let object = self.object(&types, alias, &sets)?;
        let dialect = self.source.dialect;
        let mut rows = filter::related_rows(dialect, self.source.model, relation, owner, link, alias, &types);
        if let Some(async_graphql::Value::Object(given)) = arguments.get("filter")
            && let Some(condition) = self.conditions().filter(relation.target, alias, given)?
        {
            rows.push(" and ").append(condition);
        }
        rows.append(page::order(self.source.model, target, alias, &arguments, link.column("id")));
        if relation.is_list {
            rows.append(page::limit(dialect, &arguments));
            // What an offset skips is not to be evaluated, but a row is, with all that is below it.
            let form = if page::offset(&arguments).is_some() { Err(object.form) } else { object.form.row(dialect) };
            return Ok(match form {
                Ok(row) => dialect.array_of_rows(row, rows),
                Err(form) => {
                    let mut nodes = node_columns(alias, &object.columns);
                    nodes.append(rows);
                    dialect.array(form.json(dialect), nodes, alias)
                }
            });
        }
        rows.push(" limit 1");
        let sql = match object.form.row(dialect) {
            Ok(row) => dialect.first_row(row, rows),
            Err(form) => {
                let mut sql = Sql::new("(select ");
                sql.append(form.json(dialect)).push(" from (").append(node_columns(alias, &object.columns));
                sql.append(rows).push(") ").append(alias.sql()).push(")");
                sql
            }
        };
        if relation.non_null {
            self.needs_null_check = true;
            let mut checked = Sql::new("coalesce(");
            let owner = owners.first().map_or("", |id| &*self.source.model.node_type(*id).name);
            let mark = self.source.dialect.json_text(&nulls::mark("", owner, &relation.field));
            checked.append(sql).push(", ").append(mark).push(")");
            return Ok(checked);
        }
        Ok(sql)
    }

    fn relation_arguments(
        &self,
        owners: &[TypeId],
        relation: &Relation,
        fields: &[&'a Positioned<Selected>],
    ) -> Result<Arguments, Error> {
        let model = self.source.model;
        let published =
            owners.first().and_then(|owner| model.api().field(&model.node_type(*owner).name, &relation.field));
        match (published, fields.first()) {
            (Some(published), Some(field)) => {
                input::coerce_arguments(model.api(), &published.arguments, &field.node, self.source.variables)
            }
            _ => Ok(Arguments::new()),
        }
    }
}

/// `select` with the columns that an object reads.
pub fn node_columns(alias: Alias, columns: &BTreeSet<String>) -> Sql {
    let mut sql = Sql::new("select ");
    sql.append(alias.column(system::ID));
    for column in columns {
        sql.push(", ").append(alias.column(column));
    }
    sql
}

/// Every type condition on the way to the fields of a selection.
fn selection_conditions<'a>(source: &Source<'a>, sets: &[&'a SelectionSet]) -> Vec<&'a str> {
    let mut conditions = Vec::new();
    for set in sets {
        selection::conditions(source, set, &mut conditions);
    }
    conditions
}
