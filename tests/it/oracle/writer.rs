//! Documents under construction: typed literals, variables, fragments.

use clef::model::Model;
use clef::model::api::{ApiInput, ApiKind, ApiTypeRef};
use serde_json::{Map, Value as Json};

use super::random::Random;

/// What the parts of a document share.
#[derive(Debug)]
pub(super) struct Writer<'m> {
    pub(super) model: &'m Model,
    pub(super) random: Random,
    pub(super) fragments: String,
    pub(super) variables: Map<String, Json>,
    declared: Vec<String>,
    count: usize,
}

impl<'m> Writer<'m> {
    pub(super) fn new(model: &'m Model, random: Random) -> Self {
        Self { model, random, fragments: String::new(), variables: Map::new(), declared: Vec::new(), count: 0 }
    }

    /// The document of these root fields, its variables, and the random numbers that are left.
    pub(super) fn finish(self, operation: &str, roots: &[String]) -> (String, Map<String, Json>, Random) {
        let declared = if self.declared.is_empty() { String::new() } else { format!("({})", self.declared.join(", ")) };
        let text = format!("{operation} Random{declared} {{\n  {}\n}}\n{}", roots.join("\n  "), self.fragments);
        (text, self.variables, self.random)
    }

    /// A name that the document does not have yet.
    pub(super) fn fresh(&mut self, prefix: &str) -> String {
        self.count += 1;
        format!("{prefix}{}", self.count)
    }

    /// `(a: …, b: …)`, nothing for no arguments.
    pub(super) fn arguments(&mut self, inputs: &[ApiInput], values: &Map<String, Json>) -> String {
        let mut written = Vec::new();
        for (name, value) in values {
            let input = inputs.iter().find(|input| *input.name == **name).expect("an argument of the field");
            written.push(format!("{name}: {}", self.literal(value, &input.ty)));
        }
        let absent = inputs.iter().find(|input| !values.contains_key(&*input.name) && !input.ty.is_non_null());
        if let Some(input) = absent.filter(|_| self.random.percent(3)) {
            let variable = self.declare(&input.ty, None);
            written.push(format!("{}: {variable}", input.name));
        }
        if written.is_empty() { String::new() } else { format!("({})", written.join(", ")) }
    }

    /// A value as its type has it in a document; sometimes a variable, sometimes a single item in place of a list.
    pub(super) fn literal(&mut self, value: &Json, ty: &ApiTypeRef) -> String {
        if self.random.percent(4) {
            return self.declare(ty, Some(value));
        }
        self.written(value, ty)
    }

    /// A literal whose outermost value is no variable.
    fn written(&mut self, value: &Json, ty: &ApiTypeRef) -> String {
        match (ty.nullable(), value) {
            (_, Json::Null) => "null".to_owned(),
            (ApiTypeRef::List(inner), Json::Array(items)) => {
                if items.len() == 1 && !items[0].is_null() && self.random.percent(20) {
                    // A variable of the item's type may not stand for the list (GraphQL specification, section 5.8.5).
                    return self.written(&items[0], inner);
                }
                let items: Vec<_> = items.iter().map(|item| self.literal(item, inner)).collect();
                format!("[{}]", items.join(", "))
            }
            (ApiTypeRef::List(inner), single) => self.literal(single, inner),
            (named, value) => match (self.model.api().get(named.name()).map(|ty| &ty.kind), value) {
                (Some(ApiKind::Enum(_)), Json::String(name)) => name.clone(),
                (Some(ApiKind::Input(fields)), Json::Object(object)) => {
                    let members: Vec<_> = object
                        .iter()
                        .map(|(key, value)| format!("{key}: {}", self.literal(value, &fields.get(key).unwrap().ty)))
                        .collect();
                    format!("{{{}}}", members.join(", "))
                }
                _ => value.to_string(),
            },
        }
    }

    /// A variable of this type; without a value it is declared but not given.
    fn declare(&mut self, ty: &ApiTypeRef, value: Option<&Json>) -> String {
        let name = self.fresh("v");
        let mut declaration = format!("${name}: {ty}");
        if let Some(value) = value {
            self.variables.insert(name.clone(), value.clone());
            if self.random.percent(10) && !ty.is_non_null() {
                declaration += " = null";
            }
        }
        self.declared.push(declaration);
        format!("${name}")
    }

    /// Rarely ` @include(…)` or ` @skip(…)`.
    pub(super) fn directive(&mut self) -> String {
        if !self.random.percent(6) {
            return String::new();
        }
        let name = *self.random.one_of(&["include", "skip"]);
        let condition = self.random.percent(if name == "include" { 70 } else { 30 });
        let written = if self.random.percent(50) {
            self.declare(&ApiTypeRef::named("Boolean").non_null(), Some(&condition.into()))
        } else {
            condition.to_string()
        };
        format!(" @{name}(if: {written})")
    }
}
