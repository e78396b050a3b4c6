//! Text to an apollo-compiler schema and its diagnostics to our problems. Knows the specification only through apollo-compiler, and no directive of ours.

use std::collections::HashMap;
use std::sync::Arc;

use apollo_compiler::ast::{Definition, Document, FieldDefinition, Type};
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::parser::{FileId, SourceMap, SourceSpan};
use apollo_compiler::schema::{Component, ExtendedType, ObjectType};
use apollo_compiler::validation::DiagnosticList;
use apollo_compiler::{Node, Schema, name};

use super::help::help_for;
use super::problems::Problems;
use super::sources::Sources;
use super::syntax::Location;

const PRELUDE: &str = include_str!("prelude.graphql");
/// Never the path of a schema file, since those have an ending.
const PRELUDE_PATH: &str = "<built in>";

/// Finds file and line of what apollo-compiler parsed.
pub(super) struct Places {
    sources: SourceMap,
    files: HashMap<FileId, Arc<str>>,
}

impl Places {
    pub(super) fn new(schema: &Schema) -> Self {
        Self::of_sources(&schema.sources)
    }

    fn of_sources(sources: &SourceMap) -> Self {
        let files = sources.iter().map(|(id, file)| (*id, Arc::from(file.path().to_string_lossy()))).collect();
        Self { sources: sources.clone(), files }
    }

    /// Where it starts; empty if it was not parsed from a file.
    pub(super) fn locate(&self, span: Option<SourceSpan>) -> Location {
        let found = span.and_then(|span| {
            let file = self.files.get(&span.file_id())?.clone();
            // An unexpected end of file is past the last character, where no line is.
            let line = span.line_column(&self.sources).map_or_else(
                || self.sources.get(&span.file_id()).map_or(1, |file| file.source_text().lines().count().max(1)),
                |position| position.line,
            );
            Some(Location { file, line })
        });
        found.unwrap_or_default()
    }

    /// Whether it was written in the schema folder, not in the prelude or in the specification.
    pub(super) fn is_declared(&self, span: Option<SourceSpan>) -> bool {
        let Some(span) = span else { return false };
        span.file_id() != FileId::BUILT_IN
            && self.files.get(&span.file_id()).is_some_and(|file| &**file != PRELUDE_PATH)
    }
}

/// Parses all files into one schema; `None` if one of them is not syntactically GraphQL.
pub(super) fn build(sources: &Sources, problems: &mut Problems) -> Option<Schema> {
    let mut builder = Schema::builder().parse(PRELUDE, PRELUDE_PATH);
    let (mut is_extended, mut has_query) = (false, false);
    for (path, text) in sources.iter() {
        // A file of comments only is a file under construction, not an error.
        if is_blank(text) {
            continue;
        }
        match Document::parse(text, path) {
            Ok(document) => {
                is_extended |= document.definitions.iter().any(|it| matches!(it, Definition::SchemaExtension(_)));
                has_query |= document.definitions.iter().any(|it| it.name().is_some_and(|name| name == "Query"));
                builder = builder.add_ast(&document);
            }
            Err(failed) => report(&failed.errors, &Places::of_sources(&failed.partial.sources), problems),
        }
    }
    if !problems.is_empty() {
        return None;
    }
    if is_extended && !has_query {
        // A schema without a root cannot be extended.
        builder = builder.parse("type Query { generated: Boolean }", PRELUDE_PATH);
    }
    let mut schema = builder.build().unwrap_or_else(|failed| {
        report(&failed.errors, &Places::new(&failed.partial), problems);
        failed.partial
    });
    if schema.schema_definition.query.is_none() && !schema.types.contains_key("Query") {
        add_query(&mut schema);
    }
    Some(schema)
}

/// Validates against the GraphQL specification.
pub(super) fn validate(schema: Schema, places: &Places, problems: &mut Problems) {
    if let Err(failed) = schema.validate() {
        report(&failed.errors, places, problems);
    }
}

/// What the specification has and this server has not.
pub(super) fn refuse_unsupported(schema: &Schema, places: &Places, problems: &mut Problems) {
    for ty in schema.types.values() {
        if let ExtendedType::Union(union) = ty {
            problems.add(
                &places.locate(union.name.location()),
                format!("union `{}` is not supported", union.name),
                "declare an interface and let the types implement it",
            );
        }
    }
    let definitions = schema.directive_definitions.values();
    for definition in definitions.filter(|definition| places.is_declared(definition.location())) {
        problems.add(
            &places.locate(definition.name.location()),
            format!("directive `@{}` cannot be declared", definition.name),
            "remove the definition; only the built-in directives have a meaning",
        );
    }
    let span = schema.schema_definition.location();
    if places.is_declared(span) {
        problems.add(
            &places.locate(span),
            "a `schema` definition is not supported",
            "remove it; the operation roots are called Query, Mutation and Subscription",
        );
    }
}

/// Files need not declare a query, since the server generates some; the specification wants one.
fn add_query(schema: &mut Schema) {
    let field = FieldDefinition {
        description: None,
        name: name!("generated"),
        arguments: Vec::new(),
        ty: Type::Named(name!("Boolean")),
        directives: apollo_compiler::ast::DirectiveList::default(),
    };
    let query = ObjectType {
        description: None,
        name: name!("Query"),
        implements_interfaces: apollo_compiler::collections::IndexSet::default(),
        directives: apollo_compiler::schema::DirectiveList::default(),
        fields: std::iter::once((name!("generated"), Component::new(field))).collect(),
    };
    schema.types.insert(name!("Query"), ExtendedType::Object(Node::new(query)));
    schema.schema_definition.make_mut().query = Some(name!("Query").into());
}

fn report(diagnostics: &DiagnosticList, places: &Places, problems: &mut Problems) {
    for diagnostic in diagnostics.iter() {
        let message = diagnostic.error.to_string();
        let location = places.locate(diagnostic.error.location());
        problems.add(&location, message.as_str(), help_for(&message));
    }
}

fn is_blank(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}
