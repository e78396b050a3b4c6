//! `RequestControlAction`: a request to a program, made from a template. The template says which nodes and values are asked for.

mod input;
mod names;
mod template;

use crate::model::columns::system;
use crate::plan::mutation::Change;
use crate::plan::query::{self, Read};
use crate::plan::{Error, RootField, Source, input as coercion};
use crate::sql::{Parameter, Sql};
use crate::storage::{Announcement, Cause, Decision, Write};

use super::subscriptions::CONTROL_ACTION_REQUEST;
use input::Request;
use names::{CONTROL_ACTION, Names, PROPERTY_VALUE};
use template::{Asked, Found, Template};

/// Plans the mutation: the template is read, compared with what is given, and the nodes are made, all in one transaction.
pub(super) fn plan<'a>(source: Source<'a>, root: &RootField<'a>, new_key: fn() -> String) -> Result<Change<'a>, Error> {
    let model = source.model;
    let (Some(names), Some(published), Some(field)) =
        (Names::of(model), model.api().field(crate::model::api::MUTATION, root.name()), root.fields.first())
    else {
        return Err(Error::NotImplemented(root.name().to_owned()));
    };
    let arguments = coercion::coerce_arguments(model.api(), &published.arguments, &field.node, source.variables)?;
    let request = Request::from_arguments(&arguments)?;
    let key = new_key();
    let Read { statement: read, null_check } = query::one_node(source, names.control_action, root, &key)?;
    let check = template::read(source.dialect, &names, &request);
    let keys = vec![key.clone()];
    let announcement = Announcement {
        ty: CONTROL_ACTION.into(),
        key: key.as_str().into(),
        cause: Cause::Create,
        topic: Some((CONTROL_ACTION_REQUEST.into(), request.entry_point.as_str().into())),
    };
    let decision = Decision::new(move |found| {
        let found = Found::parse(found)?;
        let (template, asked) = found.compare(&request)?;
        Ok(statements(&names, &request, &key, template, asked, new_key))
    });
    Ok(Change {
        write: Write::Decide { check, decision, read },
        null_check,
        announcement: Some(announcement),
        conflict: String::new(),
        keys,
    })
}

/// Everything that is written.
fn statements(
    names: &Names,
    request: &Request,
    key: &str,
    template: &Template,
    asked: Vec<Asked<'_>>,
    new_key: fn() -> String,
) -> Vec<Sql> {
    let action = Node { ty: CONTROL_ACTION, key };
    let status = ("actionStatus", Some("PotentialActionStatus".to_owned()));
    let copied = names::COPIED
        .iter()
        .map(|name| (*name, request.potential_action.get(*name).or(template.values.get(*name)).cloned()));
    let end_time = ("endTime", request.end_time.clone());
    let mut statements = vec![
        action.insert(names, copied.chain([status, end_time])),
        action.relate(&names.target, template.entry_point),
        action.relate(&names.action_derived_from, template.id),
    ];
    for asked in asked {
        let key = new_key();
        let value = Node { ty: PROPERTY_VALUE, key: &key };
        statements.push(value.insert(names, asked.values()));
        statements.push(action.relate_to(&names.object, &value));
        statements.push(value.relate(&names.value_derived_from, asked.property.id));
        statements.extend(asked.node.map(|node| value.relate(&names.node_value, node)));
    }
    statements
}

/// A node of the request.
struct Node<'a> {
    ty: &'static str,
    key: &'a str,
}

impl Node<'_> {
    fn insert(&self, names: &Names, values: impl IntoIterator<Item = (&'static str, Option<String>)>) -> Sql {
        let values: Vec<_> = values
            .into_iter()
            .filter_map(|(property, value)| Some((names.column(self.ty, property)?, value?)))
            .collect();
        let mut sql = Sql::new("insert into node (");
        sql.ident(system::TYPE).push(", ").ident(system::KEY);
        for (column, _) in &values {
            sql.push(", ").ident(column);
        }
        sql.push(") values ");
        let own = [Parameter::from(self.ty), Parameter::from(self.key)];
        sql.bind_list(own.into_iter().chain(values.into_iter().map(|(_, value)| value.into())));
        sql
    }

    /// The node's number; it was made just before.
    fn id(&self) -> Sql {
        let mut sql = Sql::new("(select ");
        sql.ident(system::ID).push(" from node where ").ident(system::KEY).push(" = ").bind(self.key);
        sql.push(" and ").ident(system::TYPE).push(" = ").literal(self.ty).push(")");
        sql
    }

    fn relate(&self, relation: &str, target: i64) -> Sql {
        let mut sql = self.relation(relation);
        sql.bind(target).push(")");
        sql
    }

    fn relate_to(&self, relation: &str, target: &Node<'_>) -> Sql {
        let mut sql = self.relation(relation);
        sql.append(target.id()).push(")");
        sql
    }

    fn relation(&self, relation: &str) -> Sql {
        let mut sql = Sql::new("insert into relation (name, source, target) values (");
        sql.literal(relation).push(", ").append(self.id()).push(", ");
        sql
    }
}
