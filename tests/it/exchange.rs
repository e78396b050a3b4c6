//! Export and import of awkward values: what is exported, imported and exported again is the same, byte by byte.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use clef::exchange::{Error, Imported, Told, Unusable, export, import};
use clef::graphql::{Engine, Limits};
use clef::model::Model;
use clef::storage::{Exporter, Importer, RemovedPolicy, Settings, Storage};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::process::program::Folder;
use crate::support::{self, cluster};

const SCHEMA: &str = "tests/schemas/library";

/// The databases of a test, by name: made when they are first asked for.
struct Databases {
    folder: Folder,
    is_postgres: bool,
    urls: RefCell<HashMap<String, String>>,
}

/// For SQLite and for PostgreSQL.
fn both(name: &str) -> [Databases; 2] {
    [false, true].map(|is_postgres| Databases {
        folder: Folder::new(&format!("{name}-{is_postgres}")),
        is_postgres,
        urls: RefCell::default(),
    })
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

impl Databases {
    fn settings(&self, name: &str) -> Settings {
        let made = || {
            if self.is_postgres {
                cluster::database()
            } else {
                format!("sqlite://{}?mode=rwc", self.folder.0.join(name).display())
            }
        };
        let url = self.urls.borrow_mut().entry(name.to_owned()).or_insert_with(made).clone();
        Settings { url, ..Settings::default() }
    }

    /// As if it were new.
    fn empty(&self, name: &str) {
        if !self.is_postgres {
            self.urls.borrow_mut().remove(name);
            for file in ["", "-wal", "-shm"] {
                std::fs::remove_file(self.folder.0.join(format!("{name}{file}"))).ok();
            }
        } else if let Some(url) = self.urls.borrow().get(name) {
            cluster::sql(url, "truncate node, relation, clef_import restart identity cascade");
        }
    }

    /// Imports a text into a database of this name.
    fn imported(&self, name: &str, model: &Model, text: &str) -> Result<Imported, Error> {
        self.imported_as(name, model, text, Unusable::Stop, |_| {})
    }

    fn imported_as(
        &self,
        name: &str,
        model: &Model,
        text: &str,
        unusable: Unusable,
        told: impl FnMut(Told<'_>),
    ) -> Result<Imported, Error> {
        let settings = self.settings(name);
        let path = self.folder.0.join("in.ndjson");
        std::fs::write(&path, text).unwrap();
        run(async {
            Storage::open(&settings, model, RemovedPolicy::Refuse).await.unwrap().close().await;
            let importer = Importer::open(&settings).await.unwrap();
            let file = File::open(&path).unwrap();
            import(&importer, model, file, Path::new("in.ndjson"), unusable, told).await
        })
    }

    fn exported(&self, name: &str, model: &Model) -> String {
        let settings = self.settings(name);
        let mut text = Vec::new();
        run(async {
            let exporter = Exporter::open(&settings).await.unwrap();
            export(&exporter, model, &mut text, Path::new("-"), |_| {}).await.unwrap();
        });
        String::from_utf8(text).unwrap()
    }
    fn header(&self, model: &Model) -> String {
        let settings = self.settings("empty.db");
        run(async { Storage::open(&settings, model, RemovedPolicy::Refuse).await.unwrap().close().await });
        self.exported("empty.db", model).lines().next().unwrap().to_owned()
    }
}

/// Texts with quotes, control characters, line ends, and characters beyond the first 65,536.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>().prop_map(|text| text.replace('\0', "0")),
        "[\\x01-\\x7f]{0,12}",
        Just("a\u{2028}\u{1}\r\n\"\\🎼".to_owned()),
        Just(String::new())
    ]
}

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()),
        proptest::sample::select(vec![0.1, -0.0, 5e-324, f64::MAX, 9_007_199_254_740_993.0, 1.0, 0.1 + 0.2]),
    ]
}

fn custom() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        float().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(text(), inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

const DATES: [&str; 4] = ["1819-09-13", "-999956-03-15 -0044-03-15", "Y012345-01-01 +12345-01-01", "0000-01-01"];

/// The members of a book, in the order of the schema.
fn book() -> impl Strategy<Value = String> {
    let languages = proptest::collection::vec(proptest::sample::select(vec!["EU", "EN", "SUX"]), 0..3);
    let subjects = proptest::collection::vec(text(), 0..4);
    let some = |strategy: BoxedStrategy<Value>| proptest::option::of(strategy).boxed();
    let members: Vec<(&str, BoxedStrategy<Option<Value>>)> = vec![
        ("title", some(text().prop_map(Value::from).boxed())),
        ("shelf", some(text().prop_map(Value::from).boxed())),
        ("pages", some(any::<i32>().prop_map(Value::from).boxed())),
        // SQLite keeps no sign of zero.
        ("weightKilograms", some(float().prop_map(|number| Value::from(number + 0.0)).boxed())),
        ("isReferenceOnly", some(any::<bool>().prop_map(Value::from).boxed())),
        ("subjects", some(subjects.prop_map(|items| json!(items)).boxed())),
        ("languages", some(languages.prop_map(|items| json!(items)).boxed())),
        ("originalLanguage", some(proptest::sample::select(vec!["EU", "SUX"]).prop_map(Value::from).boxed())),
        ("published", some(proptest::sample::select(DATES.to_vec()).prop_map(Value::from).boxed())),
        ("measures", some(custom().boxed())),
        ("cover", some(Just(json!("https://example.org/ä?b=\"c")).boxed())),
    ];
    let names: Vec<_> = members.iter().map(|(name, _)| *name).collect();
    let strategies: Vec<_> = members.into_iter().map(|(_, strategy)| strategy).collect();
    strategies.prop_map(move |values| {
        let given = names.iter().zip(values).filter_map(|(name, value)| Some((*name, value?)));
        let members: Vec<_> = given.map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

#[test]
fn what_is_imported_is_exported_byte_by_byte() {
    let model = support::model(SCHEMA);
    for on in both("round-trip") {
        let end = (any::<prop::sample::Index>(), any::<prop::sample::Index>());
        let books = proptest::collection::vec((text(), book()), 1..8);
        let strategy = (books, proptest::collection::vec(end, 0..8));
        let header = on.header(&model);
        let mut runner = TestRunner::new(ProptestConfig::with_cases(24));
        let checked = runner.run(&strategy, |(books, ends)| {
            let key = |position: usize| json!(format!("{position}{}", books[position].0)).to_string();
            let mut lines = vec![header.clone()];
            lines.extend(books.iter().enumerate().map(|(position, (_, values))| {
                format!("{{\"node\":\"Book\",\"key\":{},\"values\":{values}}}", key(position))
            }));
            // The same pair may be there twice: relations have no identity.
            lines.extend(ends.iter().map(|(from, to)| {
                let (from, to) = (key(from.index(books.len())), key(to.index(books.len())));
                format!("{{\"relation\":\"SEQUEL\",\"from\":[\"Book\",{from}],\"to\":[\"Book\",{to}]}}")
            }));
            lines.push(format!("{{\"end\":{{\"nodes\":{},\"relations\":{}}}}}\n", books.len(), ends.len()));
            let text = lines.join("\n");
            on.empty("one.db");
            let done = on.imported("one.db", &model, &text).unwrap();
            prop_assert_eq!((done.written.nodes, done.written.relations), (books.len() as u64, ends.len() as u64));
            let first = on.exported("one.db", &model);
            prop_assert_eq!(&first, &text);
            let again = on.imported("one.db", &model, &text).unwrap();
            prop_assert_eq!((again.written.nodes, again.skipped_lines), (0, lines.len() as u64 - 1));
            on.empty("two.db");
            on.imported("two.db", &model, &first).unwrap();
            prop_assert_eq!(&on.exported("two.db", &model), &first);
            Ok(())
        });
        checked.unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn a_file_that_is_cut_anywhere_goes_on_where_it_stopped() {
    for on in both("cut") {
        check_cuts(&on, &support::model(SCHEMA), if on.is_postgres { 67 } else { 7 });
    }
}

fn check_cuts(on: &Databases, model: &Model, step: usize) {
    let mut lines = vec![on.header(model)];
    for book in 0..4 {
        lines.push(format!("{{\"node\":\"Book\",\"key\":\"{book}\",\"values\":{{\"title\":\"T{book}\"}}}}"));
    }
    for _ in 0..3 {
        lines.push(r#"{"relation":"SEQUEL","from":["Book","1"],"to":["Book","2"]}"#.to_owned());
    }
    lines.push("{\"end\":{\"nodes\":4,\"relations\":3}}\n".to_owned());
    let text = lines.join("\n");
    for (number, cut) in (lines[0].len() + 1..text.len()).step_by(step).enumerate() {
        let database = format!("{number}.db");
        let whole = text[..cut].matches('\n').count() as u64;
        match on.imported(&database, model, &text[..cut]) {
            Err(Error::CutOff { line, .. }) => assert_eq!(line, whole),
            other => panic!("{cut}: {other:?}"),
        }
        let done = on.imported(&database, model, &text).unwrap();
        assert_eq!((done.skipped_lines, on.exported(&database, model)), (whole - 1, text.clone()), "{cut}");
    }
}

#[test]
fn a_line_that_does_not_fit_is_named_and_what_stands_before_it_is_kept() {
    for on in both("lines") {
        check_lines(&on, &support::model(SCHEMA));
    }
}

fn check_lines(on: &Databases, model: &Model) {
    let head = on.header(model);
    let good = r#"{"node":"Book","key":"1","values":{"title":"A"}}"#;
    for (number, (line, expected)) in unusable().into_iter().enumerate() {
        let database = format!("{number}.db");
        let error = on.imported(&database, model, &format!("{head}\n{good}\n{line}\n")).unwrap_err().to_string();
        assert!(error.starts_with(&format!("in.ndjson:3: {expected}")) || error.contains(expected), "{line}: {error}");
        assert!(error.starts_with("in.ndjson:3: "), "{error}");
        let mended = format!("{head}\n{good}\n{{\"end\":{{\"nodes\":1,\"relations\":0}}}}\n");
        let done = on.imported(&database, model, &mended).unwrap();
        assert_eq!((done.skipped_lines, done.written.nodes), (1, 0));
    }
    for text in ["", "{}\n", "not JSON\n", "{\"clef\":\"export\",\"version\":2,\"schema\":\"\"}\n"] {
        let error = on.imported("none.db", model, text).unwrap_err().to_string();
        assert!(error.starts_with("in.ndjson:1: is "), "{text}: {error}");
    }
}

/// Lines that cannot be used after one of Book `1`, with what is told.
fn unusable() -> [(String, &'static str); 20] {
    let book = |values: &str| format!("{{\"node\":\"Book\",\"key\":\"2\",\"values\":{values}}}");
    [
        ("{\"node\":".to_owned(), "is no line of an export, at column"),
        ("{}".to_owned(), "is neither node nor relation"),
        (r#"{"node":"Bok","key":"2","values":{}}"#.to_owned(), "`Bok` is no type of nodes in the schema"),
        (r#"{"node":"Item","key":"2","values":{}}"#.to_owned(), "`Item` is no type of nodes"),
        (r#"{"node":"Book","key":"1","values":{}}"#.to_owned(), "Book `1` is in the database already"),
        (book(r#"{"colour":"red"}"#), "`colour` is no property of Book"),
        (book(r#"{"isbn":"2"}"#), "`isbn` of Book is the key"),
        (book(r#"{"title":1}"#), "`title` must be a text"),
        (book(r#"{"pages":2147483648}"#), "`pages` must be a whole number of 32 bits"),
        (book(r#"{"pages":1.5}"#), "`pages` must be a whole number"),
        (book(r#"{"weightKilograms":"1"}"#), "`weightKilograms` must be a number"),
        (book(r#"{"isReferenceOnly":1}"#), "`isReferenceOnly` must be true or false"),
        (book(r#"{"originalLanguage":"DE"}"#), "`originalLanguage` must be a value of the enum `Language`"),
        (book(r#"{"languages":"EN"}"#), "`languages` must be a list"),
        (book(r#"{"languages":["EN",null]}"#), "`languages` is a list whose items must not be null"),
        (book(r#"{"published":"1819-9-13"}"#), "`published` must be a date"),
        (book(r#"{"cover":"example.org"}"#), "`cover` must be a valid URL"),
        (
            r#"{"relation":"SEQUEL","from":["Book","1"],"to":["Book","9"]}"#.to_owned(),
            "Book `9` is not in the database",
        ),
        (
            r#"{"relation":"WROTE","from":["Book","1"],"to":["Book","1"]}"#.to_owned(),
            "`WROTE` leads from no Book to a Book",
        ),
        (r#"{"end":{"nodes":5,"relations":0}}"#.to_owned(), "counts other lines"),
    ]
}

#[test]
fn in_the_middle_of_a_batch_all_lines_before_the_first_unusable_one_are_kept() {
    let model = support::model(SCHEMA);
    for on in both("middle") {
        let mut lines = vec![on.header(&model)];
        lines.extend((0..300).map(|key| format!("{{\"node\":\"Book\",\"key\":\"{key}\",\"values\":{{}}}}")));
        let relation = |to: usize| {
            format!("{{\"relation\":\"SEQUEL\",\"from\":[\"Book\",\"{}\"],\"to\":[\"Book\",\"{to}\"]}}", to / 2)
        };
        lines.extend((0..300).map(relation));
        for (wrong, place, reason) in
            [(lines[200].clone(), 251, "Book `199` is in the database already"), (relation(999), 477, "`999` is not")]
        {
            let mut cut = lines.clone();
            cut.insert(place - 1, wrong);
            let name = place.to_string();
            let error = on.imported(&name, &model, &format!("{}\n", cut.join("\n"))).unwrap_err().to_string();
            assert!(error.starts_with(&format!("in.ndjson:{place}: ")) && error.contains(reason), "{error}");
            let end = "{\"end\":{\"nodes\":300,\"relations\":300}}\n";
            let whole = format!("{}\n{end}", lines.join("\n"));
            let done = on.imported(&name, &model, &whole).unwrap();
            assert_eq!(done.skipped_lines, place as u64 - 2);
            assert_eq!(on.exported(&name, &model), whole);
            // Left out instead, it is told, and all others are there.
            let (other, mut told) = (format!("{name}-left-out"), Vec::new());
            let end = if place < 300 { end.replace(":300,", ":301,") } else { end.replace(":300}", ":301}") };
            let text = format!("{}\n{end}", cut.join("\n"));
            let note = |notice: Told<'_>| {
                if let Told::LeftOut(text) = notice {
                    told.push(text.to_owned());
                }
            };
            let done = on.imported_as(&other, &model, &text, Unusable::LeaveOut, note).unwrap();
            assert_eq!((done.left_out, on.exported(&other, &model)), (1, whole));
            assert!(told.len() == 1 && told[0].contains(reason), "{told:?}");
        }
    }
}

#[test]
fn the_character_that_postgresql_lacks_is_told_with_its_line() {
    let model = support::model(SCHEMA);
    for on in both("nul") {
        let line = |title: &str| format!("{{\"node\":\"Book\",\"key\":\"1\",\"values\":{{\"title\":\"{title}\"}}}}");
        let end = "{\"end\":{\"nodes\":1,\"relations\":0}}\n";
        let text = format!("{}\n{}\n{end}", on.header(&model), line("a\\u0000b"));
        match on.imported("one.db", &model, &text) {
            Ok(_) => assert!(!on.is_postgres && on.exported("one.db", &model) == text),
            Err(error) => assert!(
                on.is_postgres && error.to_string().starts_with("in.ndjson:2: text with the character U+0000"),
                "{error}"
            ),
        }
    }
}

#[test]
fn what_is_imported_is_found_by_search() {
    let model = support::model("tests/schemas/archive");
    for on in both("search") {
        let score = |key: usize, heading: &str| {
            format!(
                "{{\"node\":\"Score\",\"key\":\"{key}\",\"values\":{{\"heading\":\"{heading}\",\"keywords\":[\"Trio\"]}}}}"
            )
        };
        let headings = ["Dumky, by Antonín Dvořák", "Größe", "交响曲"];
        let mut lines = vec![on.header(&model)];
        lines.extend(headings.into_iter().enumerate().map(|(key, heading)| score(key, heading)));
        lines.push("{\"node\":\"Name\",\"key\":\"n\",\"values\":{\"heading\":\"Dvořák\"}}".to_owned());
        lines.push("{\"end\":{\"nodes\":4,\"relations\":0}}\n".to_owned());
        on.imported("one.db", &model, &lines.join("\n")).unwrap();
        run(async {
            let storage = Storage::open(&on.settings("one.db"), &model, RemovedPolicy::Refuse).await.unwrap();
            let (limits, key) = (Limits::default(), || "none".to_owned());
            let engine = Engine::new(model.clone(), storage, limits, clef::clock::Clock::System, key).unwrap();
            // As the beginning of a word, misspelt, by character, in a list, in no type that is searched.
            let cases =
                [("dvor", json!(["0"])), ("Dumki", json!(["0"])), ("grosse", json!(["1"])), ("响", json!(["2"]))];
            for (words, expected) in cases.into_iter().chain([("trio", json!(["0", "1", "2"]))]) {
                let query = format!("{{ find(words: \"{words}\") {{ number }} }}");
                let answer = support::run(&engine, &query).await;
                let mut found: Vec<_> =
                    answer["data"]["find"].as_array().unwrap().iter().map(|it| it["number"].clone()).collect();
                found.sort_by_key(ToString::to_string);
                assert_eq!(json!(found), expected, "{words}: {answer}");
            }
        });
    }
}
