//! The template of a request: how it is read, and what a request that fits it consists of.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;

use super::input::Request;
use super::names::{CONTROL_ACTION, COPIED, ENTRY_POINT, Names, PROPERTY, READ, SOFTWARE_APPLICATION, SPECIFICATION};
use crate::model::StorageType;
use crate::model::columns::system;
use crate::plan::page::Alias;
use crate::sql::{Dialect, Parameter, Sql};

/// What is known of the template and of the nodes that the request names.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    template: Option<Template>,
    properties: Vec<Property>,
    nodes: Vec<Node>,
}

/// A `ControlAction` that an `EntryPoint` of a `SoftwareApplication` offers.
#[derive(Debug, Deserialize)]
pub(super) struct Template {
    pub(super) id: i64,
    pub(super) entry_point: i64,
    /// By property; absent ones are missing.
    #[serde(deserialize_with = "present")]
    pub(super) values: HashMap<String, String>,
}

/// A `Property` or `PropertyValueSpecification` of a template.
#[derive(Debug, Deserialize)]
pub(super) struct Property {
    pub(super) id: i64,
    ty: String,
    key: String,
    #[serde(deserialize_with = "present")]
    values: HashMap<String, String>,
}

/// A node that the request names.
#[derive(Debug, Deserialize)]
struct Node {
    id: i64,
    ty: String,
    key: String,
}

/// What becomes a `PropertyValue`.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) property: &'a Property,
    /// Number of the node that is given.
    pub(super) node: Option<i64>,
    value: Option<&'a str>,
    reference: &'a str,
}

impl Asked<'_> {
    /// Values of the `PropertyValue` by property.
    pub(super) fn values(&self) -> impl Iterator<Item = (&'static str, Option<String>)> {
        let of_template = |name: &str| self.property.values.get(name).cloned();
        let name = if self.property.ty == PROPERTY { "name" } else { "valueName" };
        [
            ("propertyID", Some(self.property.key.clone())),
            ("title", of_template("title")),
            ("description", of_template("description")),
            ("name", of_template(name)),
            ("valueReference", Some(self.reference.to_owned())),
            ("value", self.value.map(str::to_owned)),
        ]
        .into_iter()
    }
}

impl Found {
    pub(super) fn parse(json: Option<&str>) -> Result<Self, String> {
        serde_json::from_str(json.unwrap_or_default()).map_err(|_| "Failed to create ControlAction".to_owned())
    }

    /// The template, and what each of its properties gets.
    ///
    /// # Errors
    /// What the request lacks, in the words of the original server where it had some.
    pub(super) fn compare<'a>(&'a self, request: &'a Request) -> Result<(&'a Template, Vec<Asked<'a>>), String> {
        let Some(template) = &self.template else {
            return Err("Template EntryPoint/ControlAction was not found".to_owned());
        };
        let has = |ty: &str, key: &str| self.properties.iter().any(|it| it.ty == ty && it.key == key);
        if !request.nodes.iter().all(|node| has(PROPERTY, &node.property)) {
            return Err(
                "Request error: one or more passed propertyObjects do not match potential action properties".to_owned()
            );
        }
        if !request.values.iter().all(|value| has(SPECIFICATION, &value.property)) {
            return Err(
                "Request error: one or more passed propertyValueObjects do not match potential action properties"
                    .to_owned(),
            );
        }
        let mut asked = Vec::new();
        for property in &self.properties {
            asked.extend(if property.ty == PROPERTY {
                Some(self.node(property, request)?)
            } else {
                value(property, request)?
            });
        }
        Ok((template, asked))
    }

    fn node<'a>(&'a self, property: &'a Property, request: &'a Request) -> Result<Asked<'a>, String> {
        let Some(given) = request.nodes.iter().find(|given| given.property == property.key) else {
            return Err(property.is_missing("node"));
        };
        let Some(node) = self.nodes.iter().find(|node| node.ty == given.ty && node.key == given.key) else {
            return Err(format!(
                "Failed to create ControlAction: there is no {} with the identifier \"{}\"",
                given.ty, given.key
            ));
        };
        Ok(Asked { property, node: Some(node.id), value: None, reference: &given.ty })
    }
}

/// A specification that is not given takes its default, or is left out if nothing is required.
fn value<'a>(property: &'a Property, request: &'a Request) -> Result<Option<Asked<'a>>, String> {
    let of_template = |name: &str| property.values.get(name).map(String::as_str);
    let (value, reference) = match request.values.iter().find(|given| given.property == property.key) {
        Some(given) => (given.value.as_str(), given.pattern.as_str()),
        None => match of_template("defaultValue") {
            Some(default) => (default, of_template("valuePattern").unwrap_or("String")),
            None if of_template("valueRequired") == Some("1") => return Err(property.is_missing("value")),
            None => return Ok(None),
        },
    };
    Ok(Some(Asked { property, node: None, value: Some(value), reference }))
}

impl Property {
    fn is_missing(&self, kind: &str) -> String {
        let title = self.values.get("title").map(String::as_str).unwrap_or_default();
        let message = format!("Required {kind} property is missing from input: {} {title}", self.key);
        message.trim_end().to_owned()
    }
}

/// One row with the JSON of [`Found`].
pub(super) fn read(dialect: Dialect, names: &Names, request: &Request) -> Sql {
    let mut sql = Sql::new("with entry as (select e.");
    sql.ident(system::ID).push(" as entry_point, c.").ident(system::ID).push(" as id, ");
    sql.append(values(dialect, names, CONTROL_ACTION, "c.", &COPIED))
        .push(" as properties from node e cross join node c where ");
    sql.append(is_node("e.", ENTRY_POINT, &request.entry_point)).push(" and ");
    sql.append(is_node("c.", CONTROL_ACTION, &request.template));
    sql.push(" and exists (select 1 from relation r where r.source = e.").ident(system::ID);
    sql.push(" and r.name = ").literal(&names.potential_action).push(" and r.target = c.").ident(system::ID);
    sql.push(") and exists (select 1 from relation r cross join node s where r.source = e.").ident(system::ID);
    sql.push(" and r.name = ").literal(&names.application).push(" and s.").ident(system::ID);
    sql.push(" = r.target and s.").ident(system::TYPE).push(" = ").literal(SOFTWARE_APPLICATION);
    sql.push(")) select ");
    let json = |column| dialect.json_value(Sql::new(column), StorageType::Json);
    let mut template = Sql::new("(select ");
    let members = [("id", Sql::new("id")), ("entry_point", Sql::new("entry_point")), ("values", json("properties"))];
    template.append(dialect.object(members)).push(" from entry)");
    let row = Alias::page(1);
    let property = dialect.object([
        ("id", row.column("id")),
        ("ty", row.column("ty")),
        ("key", row.column("key")),
        ("values", dialect.json_value(row.column("properties"), StorageType::Json)),
    ]);
    let found = dialect.array(property, properties(dialect, names), row);
    let members = [("template", template), ("properties", found), ("nodes", nodes(dialect, request))];
    sql.append(dialect.answer(dialect.object(members)));
    sql
}

/// Properties of the template in the order in which they were added; one that was added twice counts once.
fn properties(dialect: Dialect, names: &Names) -> Sql {
    let mut sql = Sql::new("select n.");
    sql.ident(system::ID).push(" as id, n.").ident(system::TYPE).push(" as ty, n.").ident(system::KEY);
    sql.push(" as key, case n.").ident(system::TYPE).push(" when ").literal(PROPERTY).push(" then ");
    sql.append(values(dialect, names, PROPERTY, "n.", &READ)).push(" else ");
    sql.append(values(dialect, names, SPECIFICATION, "n.", &READ)).push(
        " end as properties from entry cross join relation r cross join node n where r.source = entry.id and r.name = ",
    );
    sql.literal(&names.object).push(" and n.").ident(system::ID).push(" = r.target and n.").ident(system::TYPE);
    sql.push(" in ").literal_list([PROPERTY, SPECIFICATION]).push(" group by n.").ident(system::ID);
    sql.push(" order by min(r.id)");
    sql
}

/// The nodes that the request names, and others of the same keys.
fn nodes(dialect: Dialect, request: &Request) -> Sql {
    let mut rows = Sql::new("select n.");
    rows.ident(system::ID).push(" as id, n.").ident(system::TYPE).push(" as ty, n.").ident(system::KEY);
    rows.push(" as key from node n where ");
    if request.nodes.is_empty() {
        rows.push("false");
    } else {
        let column = |name| {
            let mut sql = Sql::new("n.");
            sql.ident(name);
            sql
        };
        let types: BTreeSet<&str> = request.nodes.iter().map(|node| node.ty.as_str()).collect();
        let keys = request.nodes.iter().map(|node| Parameter::from(node.key.as_str()));
        rows.append(column(system::TYPE)).push(" in ").literal_list(types).push(" and ");
        rows.append(dialect.is_one_of(column(system::KEY), keys.collect()));
    }
    let row = Alias::page(1);
    let node = dialect.object([("id", row.column("id")), ("ty", row.column("ty")), ("key", row.column("key"))]);
    dialect.array(node, rows, row)
}

fn is_node(alias: &'static str, ty: &str, key: &str) -> Sql {
    let mut sql = Sql::new(alias);
    sql.ident(system::TYPE).push(" = ").literal(ty).push(" and ").push(alias).ident(system::KEY).push(" = ").bind(key);
    sql
}

/// Values as text.
fn values(dialect: Dialect, names: &Names, ty: &'static str, alias: &'static str, properties: &[&'static str]) -> Sql {
    let columns = properties.iter().filter_map(|property| Some((*property, names.column(ty, property)?)));
    dialect.object(columns.map(|(property, column)| {
        let mut value = Sql::new("cast(");
        value.push(alias).ident(column).push(" as text)");
        (property, value)
    }))
}

/// Members of an object that are not null.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<HashMap<String, String>, D::Error> {
    let values = HashMap::<String, Option<String>>::deserialize(deserializer)?;
    Ok(values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}
