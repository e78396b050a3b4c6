//! The published schema as SDL text.

use std::fmt::{Display, Write};

use crate::model::api::{Api, ApiField, ApiInput, ApiKind, ApiType};

/// All published types, built-in ones excepted.
pub fn print(api: &Api) -> String {
    let mut out = String::new();
    for ty in api.types.values() {
        if ty.name.starts_with("__") || matches!(&*ty.name, "Boolean" | "Float" | "ID" | "Int" | "String") {
            continue;
        }
        if !out.is_empty() {
            out.push('\n');
        }
        definition(&mut out, ty);
    }
    out
}

fn definition(out: &mut String, ty: &ApiType) {
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
        ApiKind::Object { implements, fields } => composite(out, "type", &ty.name, implements, fields.values()),
        ApiKind::Interface { implements, fields, .. } => {
            composite(out, "interface", &ty.name, implements, fields.values());
        }
    }
}

fn composite<'a>(
    out: &mut String,
    keyword: &str,
    name: &str,
    implements: &[std::sync::Arc<str>],
    fields: impl Iterator<Item = &'a ApiField>,
) {
    put(out, format_args!("{keyword} {name}"));
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
        put(out, format_args!(": {}{}\n", field.ty, Deprecated(field.deprecated.as_deref())));
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
