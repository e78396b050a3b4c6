//! What documents of nodes hold: every field of the SDL, and what it is called in JSON-LD.
//!
//! Descriptions that are lists of IRIs say what types and fields mean; `@jsonld` says what they do not.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::types::{Field, NodeType};
use super::{ByName, Property, PropertyType};

use crate::sdl::syntax::{Definitions, FieldDefinition, ObjectDefinition, VocabularyDirective, is_iri};

/// Where Dublin Core has the language of a thing.
const LANGUAGES: [&str; 2] = ["http://purl.org/dc/terms/language", "http://purl.org/dc/elements/1.1/language"];
/// XML Schema, whose data types RDF uses.
const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
/// Names of the context of schema.org that mean something else than a property.
const ALIASES: [&str; 2] = ["id", "type"];

/// What documents of an object type hold.
#[derive(Debug, Default)]
pub struct DocumentType {
    /// `@context` of JSON-LD.
    pub context: Value,
    /// `@type` of JSON-LD.
    pub classes: Vec<Arc<str>>,
    /// In SDL order, without names that begin with `_`.
    pub members: ByName<DocumentMember>,
    /// The property that holds the language of the node.
    pub language: Option<Arc<str>>,
    /// The property that holds when it was last written to.
    pub modified: Option<Arc<str>>,
}

/// A field in documents.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DocumentMember {
    /// Keys in JSON-LD; none: it is not there.
    pub keys: Vec<Arc<str>>,
    /// Whether its values are further types of the node.
    pub is_type: bool,
    /// Types that a node has if there is a value.
    pub types: Vec<Arc<str>>,
    /// Begins each value.
    pub base: Option<Arc<str>>,
    /// Whether values are IRIs.
    pub is_link: bool,
    /// What a text stands for.
    pub node: Option<TextNode>,
    /// Related nodes as objects, dates as objects.
    pub embed: Option<Embed>,
}

/// A node that is not stored, but told by one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextNode {
    /// Its type.
    pub ty: Arc<str>,
    /// The key of the text.
    pub text: Arc<str>,
    /// The key of a text that is a web address.
    pub url: Option<Arc<str>>,
}

/// What stands in place of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embed {
    /// Fields besides type and key, of those types that have them.
    pub fields: Vec<Arc<str>>,
    /// Property that orders; nodes of types that have it stand in JSON-LD where they are related.
    pub order_by: Option<Arc<str>>,
}

/// By the number of the type; empty for interfaces.
pub(super) fn documents(definitions: &Definitions, types: &[NodeType]) -> Vec<DocumentType> {
    let nodes = definitions.interfaces.iter().chain(&definitions.objects);
    let vocabularies = &definitions.vocabularies;
    let mut documents: Vec<_> = nodes
        .zip(types)
        .map(
            |(definition, ty)| {
                if ty.is_interface { DocumentType::default() } else { document(vocabularies, definition, ty) }
            },
        )
        .collect();
    let contexts: Vec<_> = types.iter().map(|ty| context(vocabularies, types, &documents, ty)).collect();
    for (document, context) in documents.iter_mut().zip(contexts) {
        document.context = context;
    }
    documents
}

fn document(vocabularies: &[VocabularyDirective], definition: &ObjectDefinition, ty: &NodeType) -> DocumentType {
    let mut document = DocumentType::default();
    let first = iris(definition.description.as_deref()).take(1);
    let described = first.map(|iri| canonical(vocabularies, iri).into()).collect();
    document.classes = definition.classes.as_ref().map_or(described, |classes| texts(classes));
    for field in definition.fields.iter().filter(|field| !field.name.starts_with('_')) {
        document.members.insert(field.name.as_str().into(), member(vocabularies, field));
    }
    let mut properties = definition.fields.iter().filter_map(|field| Some((field, ty.property(&field.name)?)));
    let language = |(field, property): &(&FieldDefinition, &Property)| {
        !property.is_list && iris(field.description.as_deref()).any(|iri| LANGUAGES.contains(&iri))
    };
    document.language = properties.find(language).map(|(_, property)| Arc::clone(&property.name));
    let modified = |property: &&Property| property.timestamp.is_some_and(|timestamp| timestamp.on_update);
    document.modified = ty.properties().find(modified).map(|property| Arc::clone(&property.name));
    document
}

fn member(vocabularies: &[VocabularyDirective], field: &FieldDefinition) -> DocumentMember {
    let jsonld = field.directives.jsonld.clone().unwrap_or_default();
    let iris: Vec<String> = match jsonld.iri {
        Some(iris) => iris,
        None => iris(field.description.as_deref()).map(str::to_owned).collect(),
    };
    let key = |iri: &str| Arc::from(compacted(vocabularies, iri));
    let node = jsonld.node.map(|node| TextNode {
        ty: key(&node.ty),
        text: key(&node.text),
        url: node.url.as_deref().map(key),
    });
    DocumentMember {
        keys: iris.iter().filter(|iri| *iri != "@type").map(|iri| key(iri)).collect(),
        is_type: iris.iter().any(|iri| iri == "@type"),
        types: texts(&jsonld.types),
        base: jsonld.base.as_deref().map(Arc::from),
        is_link: jsonld.link,
        node,
        embed: field
            .directives
            .embed
            .as_ref()
            .map(|embed| Embed { fields: texts(&embed.fields), order_by: embed.order_by.as_deref().map(Arc::from) }),
    }
}

/// `["https://schema.org", {"dc": …, "dc:created": {"@id": …, "@type": …}}]`: vocabularies, and data types of dates.
fn context(
    vocabularies: &[VocabularyDirective],
    types: &[NodeType],
    documents: &[DocumentType],
    ty: &NodeType,
) -> Value {
    let mut documents_named = Vec::new();
    let mut own = Map::new();
    for vocabulary in vocabularies {
        match (&vocabulary.prefix, vocabulary.iri.first()) {
            (Some(prefix), Some(iri)) => drop(own.insert(prefix.clone(), json!(iri))),
            _ => documents_named.extend(vocabulary.context.iter().map(|context| json!(context))),
        }
    }
    let shown = types
        .iter()
        .zip(documents)
        .filter(|(other, _)| other.name == ty.name || is_embedded(types, documents, ty, other));
    for (shown, document) in shown {
        for (name, member) in &document.members {
            let Some(data_type) = shown.property(name).and_then(|property| data_type(&property.ty)) else { continue };
            // Bare names have their data types from their context document.
            for key in member.keys.iter().filter(|key| key.contains(':')) {
                let (id, data_type) = (expanded(vocabularies, key), [XSD, data_type].concat());
                let term = json!({"@id": id, "@type": data_type});
                own.insert(key.to_string(), term);
            }
        }
    }
    if !own.is_empty() {
        documents_named.push(Value::Object(own));
    }
    Value::Array(documents_named)
}

/// Whether nodes of `other` can stand in documents of `ty`.
fn is_embedded(types: &[NodeType], documents: &[DocumentType], ty: &NodeType, other: &NodeType) -> bool {
    let Some(document) = types.iter().zip(documents).find(|(known, _)| known.name == ty.name).map(|(_, it)| it) else {
        return false;
    };
    document.members.iter().any(|(name, member)| {
        let order_by = member.embed.as_ref().and_then(|embed| embed.order_by.as_ref());
        let target = ty.relation(name).and_then(|relation| types.get(relation.target.0));
        let is_possible = target.is_some_and(|target| {
            target.possible.iter().any(|id| types.get(id.0).is_some_and(|it| it.name == other.name))
        });
        is_possible && order_by.is_some_and(|property| other.fields.contains_key(property))
    })
}

fn data_type(ty: &PropertyType) -> Option<&'static str> {
    match ty {
        PropertyType::Date => Some("date"),
        PropertyType::DateTime => Some("dateTime"),
        _ => None,
    }
}

/// As a key: with a prefix, as a name of a context document, or as it is.
fn compacted(vocabularies: &[VocabularyDirective], iri: &str) -> String {
    let candidates = vocabularies.iter().flat_map(|vocabulary| {
        vocabulary.iri.iter().filter_map(move |start| Some((start.len(), vocabulary, iri.strip_prefix(&**start)?)))
    });
    let is_name = |rest: &str| {
        rest.starts_with(|it: char| it.is_ascii_alphanumeric())
            && rest.chars().all(|it| it.is_ascii_alphanumeric() || "-_.".contains(it))
    };
    match candidates.filter(|(_, _, rest)| is_name(rest)).max_by_key(|(length, ..)| *length) {
        Some((_, VocabularyDirective { prefix: Some(prefix), .. }, rest)) => [prefix, ":", rest].concat(),
        Some((_, _, rest)) if !ALIASES.contains(&rest) => rest.to_owned(),
        _ => iri.to_owned(),
    }
}

/// Beginnings of one vocabulary are one: the first holds.
fn canonical(vocabularies: &[VocabularyDirective], iri: &str) -> String {
    let replaced = vocabularies.iter().find_map(|vocabulary| {
        let rest = vocabulary.iri.iter().find_map(|start| iri.strip_prefix(&**start))?;
        Some([vocabulary.iri.first()?, rest].concat())
    });
    replaced.unwrap_or_else(|| iri.to_owned())
}

fn expanded(vocabularies: &[VocabularyDirective], key: &str) -> String {
    let of_prefix = key.split_once(':').and_then(|(prefix, rest)| {
        let vocabulary = vocabularies.iter().find(|vocabulary| vocabulary.prefix.as_deref() == Some(prefix))?;
        Some([vocabulary.iri.first()?, rest].concat())
    });
    of_prefix.unwrap_or_else(|| key.to_owned())
}

/// IRIs in a description, separated by commas.
fn iris(description: Option<&str>) -> impl Iterator<Item = &str> {
    description.unwrap_or_default().split(',').map(str::trim).filter(|part| is_iri(part))
}

fn texts(texts: &[String]) -> Vec<Arc<str>> {
    texts.iter().map(|text| text.as_str().into()).collect()
}

impl super::Model {
    /// What documents of an object type hold.
    #[expect(clippy::indexing_slicing, reason = "there is one for each type of this model")]
    pub fn document(&self, id: super::TypeId) -> &DocumentType {
        &self.documents[id.0]
    }
}

impl NodeType {
    /// Whether a field of this name is a relation.
    pub fn is_relation(&self, name: &str) -> bool {
        matches!(self.fields.get(name), Some(Field::Relation(_)))
    }
}
