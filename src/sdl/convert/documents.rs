//! The directives that say what documents of nodes hold: `@vocabulary`, `@jsonld`, `@embed`.

use apollo_compiler::ast::{DirectiveList, Value};
use apollo_compiler::schema::SchemaDefinition;

use super::{Places, argument, string, texts};
use crate::sdl::syntax::{EmbedDirective, JsonLdDirective, JsonLdNode, VocabularyDirective};

pub(super) fn vocabularies(schema: &SchemaDefinition, places: &Places) -> Vec<VocabularyDirective> {
    let declared = schema.directives.iter().filter(|directive| directive.name == "vocabulary");
    declared
        .map(|directive| {
            let value = |name: &str| directive.specified_argument_by_name(name);
            let text = |name: &str| value(name).and_then(|value| value.as_str()).map(str::to_owned);
            VocabularyDirective {
                iri: value("iri").map(|iri| texts(iri)).unwrap_or_default(),
                prefix: text("prefix"),
                context: text("context"),
                location: places.locate(directive.location()),
            }
        })
        .collect()
}

pub(super) fn jsonld(list: &DirectiveList) -> Option<JsonLdDirective> {
    list.get("jsonld")?;
    let all = |name: &str| argument(list, "jsonld", name).map(texts);
    Some(JsonLdDirective {
        iri: all("iri"),
        types: all("type").unwrap_or_default(),
        base: string(list, "jsonld", "base"),
        link: matches!(argument(list, "jsonld", "link"), Some(Value::Boolean(true))),
        node: argument(list, "jsonld", "node").and_then(node),
    })
}

fn node(value: &Value) -> Option<JsonLdNode> {
    let members = value.as_object()?;
    let text = |name: &str| {
        members.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_str()).map(str::to_owned)
    };
    Some(JsonLdNode { ty: text("type")?, text: text("text")?, url: text("url") })
}

pub(super) fn embed(list: &DirectiveList) -> Option<EmbedDirective> {
    let fields = argument(list, "embed", "fields").map(texts)?;
    Some(EmbedDirective { fields, order_by: string(list, "embed", "orderBy") })
}
