//! The document that an explorer begins with: it works on the schema that is served, and says how to get further.

use crate::auth::PublicOperations;
use crate::model::{Model, NodeType, PropertyType, QueryField};

/// What most people know, if there is such a thing.
const TYPE: &str = "Person";
const PROPERTIES: [&str; 3] = ["name", "title", "label"];

/// An object type to show things with.
pub(in crate::http) fn example_type(model: &Model) -> Option<&NodeType> {
    let types = || model.objects().map(|(_, ty)| ty);
    types().find(|ty| &*ty.name == TYPE).or_else(|| types().next())
}

/// Names of GraphQL need no escape in HTML, nor does anything else in here.
pub(super) fn document(model: &Model, public: PublicOperations) -> String {
    let open = if public.queries {
        "# Queries are open to everyone.\n# A mutation needs a token:"
    } else {
        "# Queries and mutations need a token:"
    };
    let scope = example_type(model).map_or("*".to_owned(), |ty| format!("Mutation:{}:*", ty.name));
    // Lines that fit into half a window.
    format!(
        "# Ctrl-Enter runs, Ctrl-Space suggests.\n#\n\
         {open} POST /jwt with\n\
         #   {{\"id\": \"…\", \"apiKey\": \"…\",\n\
         #    \"scopes\": [\"{scope}\"]}}\n\
         # gives one. Who runs this server gives out\n\
         # id and apiKey. Then in the headers below:\n\
         #   {{\"Authorization\": \"Bearer …\"}}\n\n\
         {}\n",
        query(model)
    )
}

fn query(model: &Model) -> String {
    let queries = || {
        model.queries().iter().filter_map(|(name, field)| match field {
            QueryField::Nodes(ty) => Some((name, model.node_type(*ty))),
            _ => None,
        })
    };
    let wanted = example_type(model).map(|ty| &ty.name);
    let found = queries().find(|(_, ty)| wanted == Some(&ty.name)).or_else(|| queries().next());
    let Some((field, ty)) = found else { return "{\n  __typename\n}".to_owned() };
    let below = match text(ty) {
        Some(property) => format!("    {}\n    {property}\n", ty.key),
        None => format!("    {}\n", ty.key),
    };
    format!("{{\n  {field}(first: 10) {{\n{below}  }}\n}}")
}

/// A property that people can read, besides the key.
fn text(ty: &NodeType) -> Option<&str> {
    let texts = || ty.properties().filter(|it| it.ty == PropertyType::String && !it.is_list && !it.is_key);
    let known = PROPERTIES.iter().find_map(|name| texts().find(|it| &*it.name == *name));
    known.or_else(|| texts().next()).map(|property| &*property.name)
}
