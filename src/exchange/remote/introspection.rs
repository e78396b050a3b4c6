//! What a server's schema has of what the model has.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;

use super::client::{Amount, Answer, Client, Trouble};
use crate::exchange::{Error, Told};
use crate::model::api::{ApiKind, ApiTypeRef};
use crate::model::{Model, NodeType};

/// Fields of the queries.
const QUERY: &str = "{ __schema { queryType { name fields(includeDeprecated: true) { name args { name } } } } }";
/// A type, with what it is ordered and filtered by.
const TYPE: &str = "query ($type: String!, $ordering: String!, $filter: String!) {
  type: __type(name: $type) { fields(includeDeprecated: true) { name args { name } type { ...T } } }
  ordering: __type(name: $ordering) { enumValues(includeDeprecated: true) { name } }
  filter: __type(name: $filter) { inputFields { name } }
}
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
/// An object of components.
const COMPONENTS: &str =
    "query ($type: String!) { type: __type(name: $type) { fields { name args { name } type { kind name } } } }";

/// What a server has.
#[derive(Debug, Default)]
pub(super) struct Server {
    /// Arguments of each query.
    pub(super) queries: BTreeMap<String, BTreeSet<String>>,
    /// Object types of the model that it has.
    pub(super) types: BTreeMap<String, Type>,
    /// Fields of the objects that dates are shown as.
    pub(super) components: BTreeMap<String, BTreeSet<String>>,
}

/// A type that a server has.
#[derive(Debug, Default)]
pub(super) struct Type {
    pub(super) fields: BTreeMap<String, Field>,
    pub(super) orderings: BTreeSet<String>,
    pub(super) filters: BTreeSet<String>,
}

/// A field that a server has.
#[derive(Debug)]
pub(super) struct Field {
    /// Name of its type without lists.
    pub(super) ty: String,
    /// Whether its type has no fields.
    pub(super) is_leaf: bool,
    pub(super) arguments: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct FieldShown {
    name: String,
    #[serde(default)]
    args: Vec<Named>,
    #[serde(rename = "type")]
    ty: Option<TypeRef>,
}

#[derive(Deserialize)]
struct TypeRef {
    kind: String,
    name: Option<String>,
    #[serde(rename = "ofType")]
    of: Option<Box<TypeRef>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    fields: Option<Vec<FieldShown>>,
    enum_values: Option<Vec<Named>>,
    input_fields: Option<Vec<Named>>,
}

/// Asks the server. One that does not tell is taken to have what this model has.
pub(super) async fn read(client: &Client, model: &Model, told: &mut impl FnMut(Told<'_>)) -> Result<Server, Error> {
    match ask_all(client, model).await {
        Ok(server) => Ok(server),
        Err(Trouble::Ended(error)) => Err(error),
        Err(Trouble::Refused(reason) | Trouble::TooMuch(reason)) => {
            let note = format!("the server does not tell its schema ({reason}): it is taken to be the one here");
            told(Told::Note(&note));
            Ok(assumed(model))
        }
    }
}

async fn ask_all(client: &Client, model: &Model) -> Result<Server, Trouble> {
    #[derive(Deserialize)]
    struct Root {
        #[serde(rename = "__schema")]
        schema: Schema,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Schema {
        query_type: Shown,
    }
    let root: Answer<Root> = client.ask(QUERY, json!({}), Amount::Least).await?;
    let mut server = Server::default();
    for field in root.data.and_then(|root| root.schema.query_type.fields).unwrap_or_default() {
        server.queries.insert(field.name, field.args.into_iter().map(|argument| argument.name).collect());
    }
    for (_, ty) in model.objects() {
        if server.queries.contains_key(&*ty.name) {
            let shown = ask_type(client, ty).await?;
            server.types.insert(ty.name.to_string(), shown);
        }
    }
    let dates: BTreeSet<String> = (model.objects())
        .flat_map(|(_, ty)| ty.properties().map(move |property| (ty, property)))
        .filter(|(_, property)| property.ty.is_temporal())
        .filter_map(|(ty, property)| server.types.get(&*ty.name)?.fields.get(&*property.name))
        .filter(|field| !field.is_leaf)
        .map(|field| field.ty.clone())
        .collect();
    for name in dates {
        let answer: Answer<BTreeMap<String, Option<Shown>>> =
            client.ask(COMPONENTS, json!({ "type": name }), Amount::Least).await?;
        let shown = answer.data.and_then(|mut data| data.remove("type").flatten()).and_then(|ty| ty.fields);
        server.components.insert(name, shown.unwrap_or_default().into_iter().map(|field| field.name).collect());
    }
    Ok(server)
}

async fn ask_type(client: &Client, ty: &NodeType) -> Result<Type, Trouble> {
    let (ordering, filter) = (ordering_name(ty), filter_name(ty));
    let variables = json!({ "type": &*ty.name, "ordering": ordering, "filter": filter });
    let answer: Answer<BTreeMap<String, Option<Shown>>> = client.ask(TYPE, variables, Amount::Least).await?;
    let mut data = answer.data.unwrap_or_default();
    let mut part = |name: &str| data.remove(name).flatten();
    let names = |list: Option<Vec<Named>>| list.unwrap_or_default().into_iter().map(|named| named.name).collect();
    let field = |shown: FieldShown| {
        let mut ty = shown.ty?;
        while let Some(of) = ty.of {
            ty = *of;
        }
        let is_leaf = ty.kind == "SCALAR" || ty.kind == "ENUM";
        let arguments = shown.args.into_iter().map(|argument| argument.name).collect();
        Some((shown.name, Field { ty: ty.name?, is_leaf, arguments }))
    };
    Ok(Type {
        fields: part("type").and_then(|ty| ty.fields).unwrap_or_default().into_iter().filter_map(field).collect(),
        orderings: names(part("ordering").and_then(|ty| ty.enum_values)),
        filters: names(part("filter").and_then(|ty| ty.input_fields)),
    })
}

fn ordering_name(ty: &NodeType) -> String {
    format!("_{}Ordering", ty.name)
}

fn filter_name(ty: &NodeType) -> String {
    format!("_{}Filter", ty.name)
}

/// What a server of this very schema has.
fn assumed(model: &Model) -> Server {
    let mut server = Server::default();
    for (_, ty) in model.objects() {
        let Some(query) = model.api().field("Query", &ty.name) else { continue };
        let arguments =
            |arguments: &[crate::model::api::ApiInput]| arguments.iter().map(|it| it.name.to_string()).collect();
        server.queries.insert(ty.name.to_string(), arguments(&query.arguments));
        let mut found = Type::default();
        if let Some(ApiKind::Enum(values)) = model.api().get(&ordering_name(ty)).map(|ty| &ty.kind) {
            found.orderings = values.iter().map(|value| value.name.to_string()).collect();
        }
        for name in ty.fields.keys() {
            let Some(field) = model.api().field(&ty.name, name) else { continue };
            let named = name_of(&field.ty);
            let kind = model.api().get(&named).map(|ty| &ty.kind);
            let is_leaf = !matches!(kind, Some(ApiKind::Object { .. } | ApiKind::Interface { .. }));
            if let Some(ApiKind::Object { fields, .. }) = kind
                && model.type_named(&named).is_none()
            {
                server.components.insert(named.clone(), fields.keys().map(ToString::to_string).collect());
            }
            let field = Field { ty: named, is_leaf, arguments: arguments(&field.arguments) };
            found.fields.insert(name.to_string(), field);
        }
        server.types.insert(ty.name.to_string(), found);
    }
    server
}

fn name_of(ty: &ApiTypeRef) -> String {
    match ty {
        ApiTypeRef::Named(name) => name.to_string(),
        ApiTypeRef::List(of) | ApiTypeRef::NonNull(of) => name_of(of),
    }
}
