//! The published schema as SDL text. Fields that need a scope say so, in the form of Apollo Federation (version 2.5, `@requiresScopes`).

use std::fmt::{Display, Write};

use crate::auth::PublicOperations;
use crate::model::Model;
use crate::model::api::{ApiField, ApiInput, ApiKind, ApiType, MUTATION, QUERY, SUBSCRIPTION};

/// Of the outer list any, of an inner list all suffice.
const REQUIRES_SCOPES: &str = "directive @requiresScopes(scopes: [[federation__Scope!]!]!) on ENUM | FIELD_DEFINITION | INTERFACE | OBJECT | SCALAR

\"Operation:Type:Action\"
scalar federation__Scope
";

/// All published types, built-in ones excepted.
pub fn print(model: &Model, public: PublicOperations) -> String {
    let mut out = REQUIRES_SCOPES.to_owned();
    let scope = |ty: &str, field: &str| match ty {
        MUTATION => model.mutations().get(field).map(|mutation| &*mutation.scope),
        QUERY if !public.queries => model.query_scope(field).map(|scope| &**scope),
        SUBSCRIPTION if !public.subscriptions => model.subscription_scope(field).map(|scope| &**scope),
        _ => None,
    };
    for ty in model.api().types.values() {
        if ty.name.starts_with("__") || matches!(&*ty.name, "Boolean" | "Float" | "ID" | "Int" | "String") {
            continue;
        }
        if !out.is_empty() {
            out.push('\n');
        }
        definition(&mut out, ty, &|field| scope(&ty.name, field));
    }
    out
}

/// The scope of a field of the type at hand.
type ScopeOf<'a> = dyn Fn(&str) -> Option<&'a str> + 'a;

fn definition<'a>(out: &mut String, ty: &'a ApiType, scope: &ScopeOf<'a>) {
    description(out, ty.description.as_deref(), "");
    match &ty.kind {
        ApiKind::Scalar => put(out, format_args!("scalar {}\n", ty.name)),
        ApiKind::Enum(values) => {
            put(out, format_args!("enum {} {{\n", ty.name));
            for value in values {
                description(out, value.description.as_deref(), "  ");
                put(out, format_args!("  {}{}\n", value.name, Deprecated(value.deprecated.as_deref())));
            }
            out.push_str("}\n");
        }
        ApiKind::Input(inputs) => {
            put(out, format_args!("input {} {{\n", ty.name));
            for input in inputs.values() {
                description(out, input.description.as_deref(), "  ");
                put(out, format_args!("  {}\n", Input(input)));
            }
            out.push_str("}\n");
        }
        ApiKind::Object { implements, fields } => composite(out, "type", ty, implements, fields.values(), scope),
        ApiKind::Interface { implements, fields, .. } => {
            composite(out, "interface", ty, implements, fields.values(), scope);
        }
        ApiKind::Union(possible) => {
            put(out, format_args!("union {} = {}\n", ty.name, possible.join(" | ")));
        }
    }
}

fn composite<'a>(
    out: &mut String,
    keyword: &str,
    ty: &ApiType,
    implements: &[std::sync::Arc<str>],
    fields: impl Iterator<Item = &'a ApiField>,
    scope: &ScopeOf<'_>,
) {
    put(out, format_args!("{keyword} {}", ty.name));
    for (position, interface) in implements.iter().enumerate() {
        put(out, format_args!("{}{interface}", if position == 0 { " implements " } else { " & " }));
    }
    out.push_str(" {\n");
    for field in fields {
        description(out, field.description.as_deref(), "  ");
        put(out, format_args!("  {}", field.name));
        for (position, argument) in field.arguments.iter().enumerate() {
            put(out, format_args!("{}{}", if position == 0 { "(" } else { ", " }, Input(argument)));
        }
        if !field.arguments.is_empty() {
            out.push(')');
        }
        put(out, format_args!(": {}{}", field.ty, Deprecated(field.deprecated.as_deref())));
        if let Some(scope) = scope(&field.name) {
            put(out, format_args!(" @requiresScopes(scopes: [[{}]])", Quoted(scope)));
        }
        out.push('\n');
    }
    out.push_str("}\n");
}

fn description(out: &mut String, text: Option<&str>, indent: &str) {
    let Some(text) = text else { return };
    put(out, format_args!("{indent}{}\n", Quoted(text)));
}

/// Writing into a `String` does not fail.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _: std::fmt::Result = out.write_fmt(text);
}

struct Input<'a>(&'a ApiInput);

impl Display for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.0.name, self.0.ty)?;
        match &self.0.default {
            Some(default) => write!(f, " = {default}"),
            None => Ok(()),
        }
    }
}

struct Deprecated<'a>(Option<&'a str>);

impl Display for Deprecated<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(reason) => write!(f, " @deprecated(reason: {})", Quoted(reason)),
            None => Ok(()),
        }
    }
}

/// A GraphQL string: JSON's escapes are among GraphQL's.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", serde_json::Value::from(self.0))
    }
}
