//! Schema folders that are read and schema files that are refused, as data in `tests/schemas`.

use super::syntax::{Direction, FieldDefinition, TypeExpression};
use super::{Definitions, Sources, parse, read_folder};

const SCHEMAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas");

fn library() -> Definitions {
    let sources = read_folder(format!("{SCHEMAS}/library")).unwrap();
    parse(&sources).unwrap_or_else(|problems| panic!("{problems}"))
}

fn field<'a>(definitions: &'a Definitions, object: &str, field: &str) -> &'a FieldDefinition {
    let object = definitions.objects.iter().find(|it| it.name == object).unwrap();
    object.fields.iter().find(|it| it.name == field).unwrap()
}

/// Line and message of each comment `# problem: message | message`.
fn expected(text: &str) -> Vec<(usize, String)> {
    let mut expected = Vec::new();
    for (position, line) in text.lines().enumerate() {
        if let Some((_, messages)) = line.split_once("# problem: ") {
            expected.extend(messages.split(" | ").map(|it| (position + 1, it.to_owned())));
        }
    }
    expected
}

#[test]
fn every_problem_is_reported_at_its_line() {
    let refused = read_folder(format!("{SCHEMAS}/refused")).unwrap();
    assert!(refused.iter().count() >= 10);
    for (path, text) in refused.iter() {
        let sources: Sources = [(path, text)].into_iter().collect();
        let problems = parse(&sources).unwrap_err();
        let found: Vec<_> = problems.iter().map(|it| (it.location.line, it.message.clone())).collect();
        assert_eq!(found, expected(text), "{path}");
        for problem in &problems {
            assert_eq!(&*problem.location.file, path, "{problem:?}");
            assert!(!problem.help.is_empty(), "{problem:?}");
        }
    }
}

#[test]
fn problems_of_all_files_are_printed_with_folder_file_line_and_help() {
    let sources: Sources = [
        ("b.graphql", "type Book {\n  isbn: ID @id\n  author: Author\n}"),
        ("a.graphql", "type Author {\n  number: Int @id\n}"),
    ]
    .into_iter()
    .collect();
    let text = parse(&sources).unwrap_err().to_string();
    let expected = "a.graphql:2: `@id` on `Author.number` of type `Int`\n  help: give the key the type `ID` or `ID!`\n\
                    b.graphql:3: `Book.author` has an object type but no `@relation`\n  help: add `@relation(";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn a_folder_without_a_key_has_nothing_to_serve() {
    let sources: Sources = [("a.graphql", "enum Language { EN }")].into_iter().collect();
    let problems = parse(&sources).unwrap_err();
    assert!(problems.to_string().starts_with("schema: no type has an `@id` field"));
}

#[test]
fn a_file_of_comments_is_no_problem() {
    let sources: Sources =
        [("a.graphql", "# later\n"), ("b.graphql", "type Book { isbn: ID @id }")].into_iter().collect();
    assert_eq!(parse(&sources).unwrap().objects.len(), 1);
}

#[test]
fn a_type_extension_adds_fields() {
    let text = "extend type Book { title: String }\ntype Book { isbn: ID @id }";
    let sources: Sources = [("a.graphql", text)].into_iter().collect();
    let title = parse(&sources).unwrap();
    assert_eq!(field(&title, "Book", "title").ty, TypeExpression::Named("String".to_owned()));
}

#[test]
fn restated_fields_keep_their_place_and_own_fields_follow() {
    let library = library();
    let member = library.objects.iter().find(|it| it.name == "Member").unwrap();
    let names: Vec<_> = member.fields.iter().map(|it| it.name.as_str()).collect();
    let inherited = ["number", "name", "born", "homepages", "entered", "changed"];
    assert_eq!(names[..6], inherited);
    assert_eq!(names[6..], ["reserved", "loans", "mentor", "searchRank"]);
    assert_eq!(field(&library, "Member", "name").ty.to_string(), "String!");
    assert_eq!(field(&library, "Author", "name").ty.to_string(), "String");
}

#[test]
fn an_inherited_field_is_located_where_it_is_written() {
    let library = library();
    assert_eq!(field(&library, "Author", "name").location.to_string(), "people.graphql:5");
    assert_eq!(field(&library, "Member", "name").location.to_string(), "people.graphql:19");
}

#[test]
fn the_more_derived_declaration_holds_whatever_the_order() {
    let interfaces = "interface A { id: ID @id \"of A\" x: String }
        interface B implements A { \"of B\" x: String }
        type AB implements A & B { own: Int }
        type BA implements B & A { own: Int }";
    let sources: Sources = [("a.graphql", interfaces)].into_iter().collect();
    let definitions = parse(&sources).unwrap();
    for object in ["AB", "BA"] {
        assert_eq!(field(&definitions, object, "x").description.as_deref(), Some("of B"));
    }
}

#[test]
fn of_unrelated_interfaces_the_first_gives_the_description() {
    let interfaces = "interface A { id: ID @id \"of A\" x: String }
        interface B { id: ID @id \"of B\" x: String }
        type AB implements A & B { own: Int }
        type BA implements B & A { own: Int }";
    let sources: Sources = [("a.graphql", interfaces)].into_iter().collect();
    let definitions = parse(&sources).unwrap();
    assert_eq!(field(&definitions, "AB", "x").description.as_deref(), Some("of A"));
    assert_eq!(field(&definitions, "BA", "x").description.as_deref(), Some("of B"));
}

#[test]
fn directives_become_typed_values() {
    let library = library();
    let sequel = field(&library, "Book", "sequels").directives.relation.clone().unwrap();
    assert_eq!((sequel.name.as_str(), sequel.direction), ("SEQUEL", Direction::In));
    let entered = field(&library, "Author", "entered").directives.timestamp.unwrap();
    assert_eq!((entered.on_create, entered.on_update), (true, false));
    assert!(field(&library, "Book", "isbn").directives.id);
    assert!(field(&library, "Book", "cover").directives.url);
    assert!(field(&library, "Member", "searchRank").directives.computed);
    let fine = &field(&library, "Loan", "fine").directives;
    assert_eq!(fine.deprecated.as_deref(), Some("No longer supported"));
    let matches = library.queries[0].directives.matches.clone().unwrap();
    assert_eq!((matches.field.as_str(), matches.operator.as_str()), ("title", "starts_with"));
}

#[test]
fn enumerations_and_scalars_keep_descriptions_and_built_in_ones_are_left_out() {
    let library = library();
    let enums: Vec<_> = library.enums.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(enums, ["Language"]);
    let scalars: Vec<_> = library.scalars.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(scalars, ["Measures"]);
    let values = &library.enums[0].values;
    assert_eq!(values[0].description.as_deref(), Some("Basque"));
    assert_eq!(values[2].deprecated.as_deref(), Some("sent to the museum"));
}

#[test]
fn defaults_of_arguments_become_json() {
    let text = "type Book { isbn: ID @id }
        enum Order { UP DOWN }
        type Query { find(a: Int = -1, b: Order = UP, c: [Float] = [0.5], d: String = null): [Book] @resolver(name: \"find\") }";
    let sources: Sources = [("a.graphql", text)].into_iter().collect();
    let definitions = parse(&sources).unwrap();
    let defaults: Vec<_> = definitions.queries[0].arguments.iter().map(|it| it.default.clone()).collect();
    let expected = [serde_json::json!(-1), "UP".into(), serde_json::json!([0.5]), serde_json::Value::Null];
    assert_eq!(defaults, expected.map(Some));
}
