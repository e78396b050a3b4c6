//! Promises of full-text search: what is found, in which order, and that the index follows every write.

use std::sync::Arc;

use clef::graphql::Engine;
use clef::storage::{RemovedPolicy, Settings, Storage};
use serde_json::{Value as Json, json};

use super::support;

const FOLDER: &str = "tests/schemas/archive";

/// Number, heading and keywords of scores.
const CORPUS: &[(&str, &str, &[&str])] = &[
    ("mahler1", "Gustav Mahler: Symphony No. 1", &["symphony", "Titan"]),
    ("mahler5", "Symphony No. 5 by Gustav Mahler, with the Adagietto that everybody knows and hums", &["symphony"]),
    ("mahlerin", "Die Mahlerin", &[]),
    ("dvorak", "Antonín Dvořák: Rusalka", &["Oper", "Märchen"]),
    ("fuge", "Große Fuge, op. 133", &["string quartet"]),
    ("strasse", "Lieder von der Strasse", &[]),
    ("lodz", "Koncert w Łodzi", &["Chopin"]),
    ("tchaikovsky", "Пётр Чайковский: Щелкунчик", &["балет"]),
    ("theodorakis", "Μίκης Θεοδωράκης: Ζορμπάς", &[]),
    ("yellow", "黄河大合唱 (Yellow River Cantata)", &["合唱"]),
    ("fate", "ベートーヴェン 交響曲第5番「運命」", &["交響曲"]),
    ("fairuz", "فَيْرُوز: نَسَّم عَلَيْنَا الهَوَى", &[]),
    ("korean", "아리랑 환상곡", &[]),
    ("orfeo", "L'Orfeo, favola in musica", &["Oper"]),
    ("operetta", "Operette und Ballett", &[]),
    ("syntax", "AND OR NOT NEAR heading:\"x\" *", &[]),
];

async fn archive() -> Engine {
    let engine = support::engine(support::model(FOLDER)).await;
    for (number, heading, keywords) in CORPUS {
        let create = "mutation C($n: ID, $h: String, $k: [String]) { CreateScore(number: $n, heading: $h, keywords: $k) { number } }";
        let answer = support::run_with(&engine, create, json!({"n": number, "h": heading, "k": keywords})).await;
        assert!(answer["errors"].is_null(), "{answer}");
    }
    let answer = support::run(
        &engine,
        r#"mutation {
            letter: CreateLetter(number: "letter", heading: "To Gustav", keywords: ["Mahler"], imprint: "Rusalka") { number }
            untitled: CreateScore(number: "untitled", year: 1900, imprint: "Leipzig") { number }
            nothing: CreateLetter(number: "nothing", year: 1900) { number }
            name: CreateName(number: "name", heading: "Gustav Mahler") { number }
        }"#,
    )
    .await;
    assert!(answer["errors"].is_null(), "{answer}");
    engine
}

/// Numbers of what is found, in order.
async fn found(engine: &Engine, arguments: &str) -> Vec<String> {
    let document = format!("{{ find({arguments}) {{ number relevance }} }}");
    let answer = support::run(engine, &document).await;
    assert!(answer["errors"].is_null(), "{document}: {answer}");
    let found = answer["data"]["find"].as_array().unwrap();
    found.iter().map(|entry| entry["number"].as_str().unwrap().to_owned()).collect()
}

async fn check(engine: &Engine, cases: &[(&str, &[&str])]) {
    for (arguments, expected) in cases {
        assert_eq!(found(engine, arguments).await, *expected, "{arguments}");
    }
}

#[tokio::test]
async fn words_are_found_in_every_script_best_first() {
    let engine = archive().await;
    check(
        &engine,
        &[
            // Whole words before longer ones, short texts before long ones.
            (r#"words: "mahler""#, &["letter", "mahler1", "mahler5", "mahlerin"]),
            (r#"words: "MAHL""#, &["mahlerin", "letter", "mahler1", "mahler5"]),
            (r#"words: "gustav symphony""#, &["mahler1", "mahler5"]),
            (r#"words: "symphony mahler rusalka""#, &[]),
            (r#"words: "dvorak""#, &["dvorak"]),
            (r#"words: "Dvořak""#, &["dvorak"]),
            (r#"words: "marchen""#, &["dvorak"]),
            (r#"words: "grosse""#, &["fuge"]),
            (r#"words: "straße""#, &["strasse"]),
            (r#"words: "lodzi""#, &["lodz"]),
            (r#"words: "ŁODZ""#, &["lodz"]),
            (r#"words: "чайковский""#, &["tchaikovsky"]),
            (r#"words: "ЧАЙК""#, &["tchaikovsky"]),
            (r#"words: "петр""#, &["tchaikovsky"]),
            (r#"words: "θεοδωρακης""#, &["theodorakis"]),
            (r#"words: "فيروز""#, &["fairuz"]),
            (r#"words: "아리""#, &["korean"]),
            // Scripts without blanks: any part.
            (r#"words: "合唱""#, &["yellow"]),
            (r#"words: "大合""#, &["yellow"]),
            (r#"words: "合大""#, &[]),
            (r#"words: "交響曲""#, &["fate"]),
            (r#"words: "トーヴェン""#, &["fate"]),
            (r#"words: "orfeo""#, &["orfeo"]),
            (r#"words: "l'orfeo""#, &["orfeo"]),
            (r#"words: "op.133""#, &["fuge"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_word_that_no_text_has_is_taken_for_its_neighbours() {
    let engine = archive().await;
    check(
        &engine,
        &[
            (r#"words: "gustaf""#, &["letter", "mahler1", "mahler5"]),
            (r#"words: "gutsav""#, &["letter", "mahler1", "mahler5"]),
            (r#"words: "gusttav simphony""#, &["mahler1", "mahler5"]),
            (r#"words: "russalka""#, &["dvorak"]),
            (r#"words: "rusalk""#, &["dvorak"]),
            (r#"words: "rslka""#, &[]),
            (r#"words: "чйковский""#, &["tchaikovsky"]),
            // The first letter holds; so do words of three letters, and numbers.
            (r#"words: "kustav""#, &[]),
            (r#"words: "dei""#, &[]),
            (r#"words: "1333""#, &[]),
            // A word that texts have is not taken for another: `operette` has an `r` more.
            (r#"words: "oper""#, &["dvorak", "orfeo", "operetta"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_a_client_writes_is_never_syntax() {
    let engine = archive().await;
    for text in [
        "\"",
        "'",
        "*",
        "a*",
        "(",
        ")",
        "a AND",
        "NOT",
        "NEAR(a b)",
        "{heading} : a",
        "f_heading:gustav",
        "^a",
        "a + b",
        "-a",
        "a~2",
        "\\",
        "\u{1f3b5}",
        "%",
        "_",
        ";",
        "--",
        "/* */",
        "[a TO b]",
        "a || b && c",
        "é\u{301}\u{301}",
    ] {
        let document = "query Q($w: String!) { find(words: $w) { number } }";
        let answer = support::run_with(&engine, document, json!({"w": text})).await;
        assert!(answer["errors"].is_null(), "{text}: {answer}");
    }
    check(
        &engine,
        &[
            (r#"words: "and not""#, &["syntax"]),
            (r#"words: "gustav OR rusalka""#, &[]),
            (r#"words: "\"gustav\" *mahler*""#, &["letter", "mahler1", "mahler5"]),
        ],
    )
    .await;
    let many = support::run(&engine, &format!(r#"{{ find(words: "{}") {{ number }} }}"#, "a ".repeat(33))).await;
    assert_eq!(many["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(many["errors"][0]["message"], "`words` has 33 words, more than 32: search for fewer");
}

#[tokio::test]
async fn fields_and_types_narrow_the_search_and_no_word_finds_everything() {
    let engine = archive().await;
    let all = CORPUS.len() + 1;
    check(
        &engine,
        &[
            (r#"words: "mahler", of: [Letter]"#, &["letter"]),
            (r#"words: "mahler", of: [Photograph]"#, &[]),
            (r#"words: "mahler", of: [Score, Letter], in: [keywords]"#, &["letter"]),
            (r#"words: "mahler", of: [], in: [heading]"#, &["mahler1", "mahler5", "mahlerin"]),
            (r#"words: "gustav mahler", in: heading"#, &["mahler1", "mahler5"]),
            (r#"words: "symphony", in: [null]"#, &["mahler1", "mahler5"]),
            (r#"words: "", of: Letter"#, &["letter"]),
            (r#"words: "leipzig""#, &[]),
        ],
    )
    .await;
    for words in ["", "***", " "] {
        assert_eq!(found(&engine, &format!(r#"words: "{words}", first: 100"#)).await.len(), all, "{words}");
        assert_eq!(found(&engine, &format!(r#"words: "{words}""#)).await.len(), all.min(20), "{words}");
    }
    let answer = support::run(&engine, r#"{ findScores(words: "Leipzig") { number relevance } }"#).await;
    assert_eq!(answer, json!({"data": {"findScores": [{"number": "untitled", "relevance": null}]}}));
}

#[tokio::test]
async fn order_filter_and_page_hold_as_in_any_query() {
    let engine = archive().await;
    check(
        &engine,
        &[
            (r#"words: "mahler", orderBy: [number_desc]"#, &["mahlerin", "mahler5", "mahler1", "letter"]),
            (r#"words: "mahler", orderBy: [relevance_asc]"#, &["mahlerin", "mahler5", "mahler1", "letter"]),
            (r#"words: "mahler", first: 2, offset: 1"#, &["mahler1", "mahler5"]),
            (r#"words: "mahler", first: -1, offset: 3"#, &["mahlerin"]),
            (r#"words: "mahler", filter: {number_starts_with: "mahler", heading_contains: "Symphony"}"#, &["mahler1", "mahler5"]),
            (r#"words: "mahler", filter: {OR: [{number: "letter"}, {keywords_contains: "Tit"}]}, orderBy: number_asc"#, &["letter", "mahler1"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn scores_relations_temporals_and_fragments_are_answered() {
    let engine = archive().await;
    let before = engine.storage().statements();
    let answer = support::run(
        &engine,
        r#"mutation { AddScoreComposer(from: {number: "name"}, to: {number: "mahler1"}) { from { number } } }"#,
    )
    .await;
    assert!(answer["errors"].is_null(), "{answer}");
    let statements = if support::is_postgres() { 1 } else { 2 };
    assert_eq!(engine.storage().statements() - before, statements);
    let document = r#"{ find(words: "mahler") {
        __typename
        ... on Score { number points: relevance composer { heading relevance } entered { year formatted } }
    } }"#;
    for _ in 0..2 {
        let before = engine.storage().statements();
        let answer = support::run(&engine, document).await;
        assert_eq!(engine.storage().statements() - before, 1);
        let found = answer["data"]["find"].as_array().unwrap_or_else(|| panic!("{answer}"));
        // Fragments on types alone ask for nodes of those types.
        assert_eq!(
            found.iter().map(|entry| entry["number"].as_str().unwrap()).collect::<Vec<_>>(),
            ["mahler1", "mahler5", "mahlerin"]
        );
        let points: Vec<_> = found.iter().map(|entry| entry["points"].as_f64().unwrap()).collect();
        assert!(points.is_sorted_by(|one, other| one > other), "{points:?}");
        assert!(points.iter().all(|points| *points > 0.0), "{points:?}");
        assert_eq!(found[0]["composer"], json!([{"heading": "Gustav Mahler", "relevance": null}]));
        assert!(found[0]["entered"]["formatted"].is_string(), "{answer}");
    }
}

#[tokio::test]
async fn the_index_follows_every_write() {
    let engine = archive().await;
    for (mutation, words, expected) in [
        (r#"UpdateScore(number: "fuge", heading: "Ländler") { number }"#, "landler quartet", &["fuge"][..]),
        (r#"UpdateScore(number: "fuge", heading: null) { number }"#, "landler", &[]),
        (r#"UpdateScore(number: "fuge", year: 1825) { number }"#, "quartet", &["fuge"]),
        (r#"UpdateScore(number: "none", heading: "Ländler") { number }"#, "landler", &[]),
        (
            r#"UpdateScore(number: "untitled", keywords: ["Walzer", "zärtlich"]) { number }"#,
            "zartlich walzer",
            &["untitled"],
        ),
        (r#"MergeScore(number: "new", heading: "Zwölftonreihe") { number }"#, "zwolfton", &["new"]),
        (r#"MergeScore(number: "new", keywords: "Reihe") { number }"#, "zwolftonreihe reihe", &["new"]),
        (r#"MergeLetter(number: "new", heading: "Zwölf") { number }"#, "zwolf", &["new", "new"]),
        (r#"DeleteScore(number: "new") { number }"#, "zwolf", &["new"]),
        (r#"DeleteLetter(number: "new") { number }"#, "zwolf", &[]),
        (r#"CreateScore(number: "fate", heading: "Verdoppelt") { number }"#, "verdoppelt", &[]),
    ] {
        support::run(&engine, &format!("mutation {{ {mutation} }}")).await;
        assert_eq!(found(&engine, &format!(r#"words: "{words}""#)).await, expected, "{mutation}");
    }
}

#[tokio::test]
async fn writes_with_the_same_new_words_do_not_wait_for_each_other() {
    let engine = archive().await;
    let create = |number: usize| {
        let mut words: Vec<_> = ('a'..='z').map(|letter| format!("neuwort{letter}{letter}")).collect();
        words.rotate_left(number % 26);
        let heading = words.join(" ");
        let document = format!(
            "mutation {{ a: CreateScore(number: \"n{number}\", heading: \"{heading}\") {{ number }} b: UpdateScore(number: \"fuge\", heading: \"{heading} x{number}\") {{ number }} }}"
        );
        let engine = &engine;
        async move { support::run(engine, &document).await }
    };
    let started = std::time::Instant::now();
    for answer in futures_util::future::join_all((0..64).map(create)).await {
        assert!(answer["errors"].is_null(), "{answer}");
    }
    // PostgreSQL looks for deadlocks after a second.
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(found(&engine, r#"words: "neuwortaa neuwortzz", first: 100"#).await.len(), 65);
    assert_eq!(found(&engine, r#"words: "neuwrotkk", first: 100"#).await.len(), 65);
}

/// A model of a type with these fields and a search over it.
fn small(fields: &str) -> Arc<clef::model::Model> {
    let text =
        format!("type Book {{ isbn: ID @id {fields} }} type Query {{ find(t: String!): [Book] @search(text: \"t\") }}");
    let sources = [("books.graphql", text.as_str())].into_iter().collect();
    Arc::new(clef::model::build(&clef::sdl::parse(&sources).unwrap()).unwrap())
}

/// The answer to a document of an engine over a file, and the changes that opening it made.
async fn reopened(settings: &Settings, model: Arc<clef::model::Model>, documents: &[&str]) -> (Vec<String>, Vec<Json>) {
    let changes = Storage::compare(settings, &model, RemovedPolicy::Drop).await.unwrap();
    let storage = Storage::open(settings, &model, RemovedPolicy::Drop).await.unwrap();
    let new_key = || uuid::Uuid::new_v4().to_string();
    let engine = Engine::new(model, storage, support::no_limits(), clef::clock::Clock::System, new_key).unwrap();
    let mut answers = Vec::new();
    for document in documents {
        answers.push(support::run(&engine, document).await["data"].take());
    }
    engine.storage().close().await;
    (changes.iter().map(ToString::to_string).collect(), answers)
}

#[tokio::test]
async fn a_database_from_before_gets_its_index_when_it_is_opened_and_when_searched_fields_change() {
    let folder = std::env::temp_dir().join(format!("clef-test-{}", uuid::Uuid::new_v4()));
    let file =
        Settings { url: format!("sqlite://{}?mode=rwc", folder.join("clef.db").display()), ..Settings::default() };
    let settings = if support::is_postgres() { support::settings() } else { file };
    let without = "type Book { isbn: ID @id title: String tags: [String] }";
    let sources = [("books.graphql", without)].into_iter().collect();
    let without = Arc::new(clef::model::build(&clef::sdl::parse(&sources).unwrap()).unwrap());
    let creates: String = (0..2_500)
        .map(|number| format!("b{number}: CreateBook(isbn: \"{number}\", title: \"Größe {number}\", tags: [\"ein\\nwort\"]) {{ isbn }} "))
        .collect();
    let (changes, _) = reopened(&settings, Arc::clone(&without), &[&format!("mutation {{ {creates} }}")]).await;
    assert!(!changes.iter().any(|change| change.contains("full-text")), "{changes:?}");

    let titles = "title: String @search tags: [String]";
    let one = r#"{ find(t: "grosse 2499") { isbn } }"#;
    let (changes, answers) = reopened(&settings, small(titles), &[one, r#"{ find(t: "wort") { isbn } }"#]).await;
    assert_eq!(changes, ["make the full-text index of title for 1 types"]);
    assert_eq!(answers, [json!({"find": [{"isbn": "2499"}]}), json!({"find": []})]);
    let (changes, _) = reopened(&settings, small(titles), &[]).await;
    assert_eq!(changes, [""; 0]);

    let both = "title: String @search tags: [String] @search";
    let (changes, answers) = reopened(
        &settings,
        small(both),
        &[r#"{ find(t: "ein wort 7") { isbn } }"#, "mutation { DeleteBook(isbn: \"2499\") { isbn } }", one],
    )
    .await;
    assert_eq!(changes, ["make the full-text index of title, tags for 1 types"]);
    assert_eq!(answers[0]["find"][0], json!({"isbn": "7"}));
    assert_eq!(answers[2], json!({"find": []}));
    let (changes, _) = reopened(&settings, without, &[]).await;
    assert_eq!(changes, ["drop the full-text index"]);
    std::fs::remove_dir_all(folder).ok();
}

#[tokio::test]
async fn the_contributor_environment_searches_its_metadata() {
    let engine = support::engine(support::model("schema")).await;
    let answer = support::run(
        &engine,
        r#"mutation {
            a: CreateMusicComposition(identifier: "a", title: "Die Moldau", creator: "Bedřich Smetana", name: "Vltava") { identifier }
            b: CreatePerson(identifier: "b", title: "Smetana", subject: "composer", birthDate: {formatted: "1824-03-02"}) { identifier }
            c: CreateControlAction(identifier: "c", title: "Smetana") { identifier }
        }"#,
    )
    .await;
    assert!(answer["errors"].is_null(), "{answer}");
    for (query, expected) in [
        (r#"searchMetadataText(substring: "Sm") { identifier }"#, json!([{"identifier": "b"}, {"identifier": "a"}])),
        (
            r#"searchMetadataText(substring: "smetana", onFields: [creator, description]) { identifier }"#,
            json!([{"identifier": "a"}]),
        ),
        (r#"searchMetadataText(substring: "vltava") { identifier }"#, json!([])),
        (r#"searchMetadataText(substring: "smetana", onTypes: [CreativeWork]) { identifier }"#, json!([])),
        (
            r#"searchMetadataText(onTypes: [Person], onFields: [title], substring: "smet", first: 9999) { ... on Person { identifier birthDate { formatted } } }"#,
            json!([{"identifier": "b", "birthDate": {"formatted": "1824-03-02"}}]),
        ),
        (
            r#"searchMetadataText(substring: "", orderBy: [identifier_desc]) { identifier _searchScore }"#,
            json!([{"identifier": "b", "_searchScore": 0.0}, {"identifier": "a", "_searchScore": 0.0}]),
        ),
    ] {
        let answer = support::run(&engine, &format!("{{ {query} }}")).await;
        assert_eq!(answer, json!({"data": {"searchMetadataText": expected}}), "{query}");
    }
}

#[tokio::test]
async fn persons_are_found_by_a_part_of_their_name_as_it_is_written() {
    let engine = support::engine(support::model("schema")).await;
    support::run(
        &engine,
        r#"mutation {
            a: CreatePerson(identifier: "a", name: "Alma Mahler") { identifier }
            b: CreatePerson(identifier: "b", name: "Dinah Nah") { identifier }
            c: CreatePerson(identifier: "c", title: "ah") { identifier }
            d: CreatePlace(identifier: "d", name: "Sahara") { identifier }
        }"#,
    )
    .await;
    for (arguments, expected) in [
        (r#"substring: "ah""#, &["a", "b"][..]),
        (r#"substring: "AH""#, &[]),
        (r#"substring: "%""#, &[]),
        (r#"substring: """#, &["a", "b"]),
        (r#"substring: "ah", orderBy: name_desc, first: 1"#, &["b"]),
        (r#"substring: "ah", offset: 1"#, &["b"]),
    ] {
        let answer = support::run(&engine, &format!("{{ personBySubstring({arguments}) {{ identifier }} }}")).await;
        let found: Vec<_> = expected.iter().map(|key| json!({"identifier": key})).collect();
        assert_eq!(answer, json!({"data": {"personBySubstring": found}}), "{arguments}");
    }
}
