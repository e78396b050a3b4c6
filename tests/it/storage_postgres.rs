//! Promises of the storage on PostgreSQL: what holds of SQLite by its nature, and what only a server can do.

use std::error::Error;
use std::time::Duration;

use clef::sql::{Dialect, Parameter, Sql};
use clef::storage::{self, Announcement, Cause, Decision, OpenError, RemovedPolicy, Settings, Storage, Write};

use crate::storage::{AGE, Fields, NAME, Outcome, count, create, insert, model, name_of, open, refusal};
use crate::support::cluster;

const PERSON: &[(&str, Fields<'_>)] = &[("Person", &[NAME])];

fn empty() -> Settings {
    Settings { url: cluster::database(), ..Settings::default() }
}

async fn person() -> Result<(Storage, String), Box<dyn Error>> {
    let settings = empty();
    Ok((open(&settings, PERSON, RemovedPolicy::Refuse).await?, settings.url))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_at_once_start_on_an_empty_database() -> Outcome {
    let model = std::sync::Arc::new(model(&[("Person", &[NAME, AGE])])?);
    for _ in 0..20 {
        let settings = empty();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (settings, model) = (settings.clone(), std::sync::Arc::clone(&model));
            tasks.spawn(async move {
                let storage = Storage::open(&settings, &model, RemovedPolicy::Refuse).await;
                let storage = storage.map_err(|error| format!("{error:?}"))?;
                storage.read(count()).await.map_err(|error| error.to_string())?;
                storage.close().await;
                Ok::<_, String>(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
    }
    Ok(())
}

#[tokio::test]
async fn columns_have_types_and_compare_by_bytes() -> Outcome {
    let settings = empty();
    let fields: Fields<'_> =
        &[NAME, AGE, ("height", "Float @index"), ("alive", "Boolean"), ("names", "[String]"), ("born", "Date")];
    let storage = open(&settings, &[("Person", fields)], RemovedPolicy::Refuse).await?;
    assert_eq!(storage.dialect(), Dialect::Postgres);
    let types = cluster::sql(
        &settings.url,
        "select string_agg(column_name || ' ' || data_type || coalesce(' ' || collation_name, ''), ', ' order by column_name) \
         from information_schema.columns where table_name = 'node' and column_name not like '\\_\\_%'",
    );
    assert_eq!(types, "age bigint, alive bigint, born text C, height double precision, name text C, names text C");
    let indexes =
        cluster::sql(&settings.url, "select indexdef from pg_indexes where indexname = 'clef_property_height'");
    assert!(indexes.ends_with("(__type, height, __id)"), "{indexes}");
    for key in ["a", "B"] {
        storage.write(create(key, key)).await?;
    }
    let least = Sql::new("select min(name) from node");
    assert_eq!(storage.read(least).await?.as_deref(), Some("B"), "bytes, not the order of a language");
    Ok(())
}

#[tokio::test]
async fn null_fits_every_column_and_numbers_keep_their_type() -> Outcome {
    let settings = empty();
    let fields: Fields<'_> = &[NAME, AGE, ("height", "Float")];
    let storage = open(&settings, &[("Person", fields)], RemovedPolicy::Refuse).await?;
    let person = |key: &str, age: Parameter, height: Parameter| {
        let mut sql = Sql::new(r#"insert into node ("__type", "__key", name, age, height) values ('Person', "#);
        sql.bind(key).push(", ").bind(Parameter::Null).push(", ").bind(age).push(", ").bind(height).push(")");
        let mut read = Sql::new("select concat(name, ' ', age, ' ', height) from node where \"__key\" = ");
        read.bind(key);
        Write::Change { statements: vec![sql], read }
    };
    assert_eq!(storage.write(person("a", 36.into(), 1.5.into())).await?.as_deref(), Some(" 36 1.5"));
    assert_eq!(storage.write(person("b", Parameter::Null, 2.into())).await?.as_deref(), Some("  2"));
    assert_eq!(storage.write(person("c", Parameter::Null, Parameter::Null)).await?.as_deref(), Some("  "));
    assert_eq!(
        storage.read(Sql::new("select 'what?' || \"__key\" from node where age = 36")).await?.as_deref(),
        Some("what?a")
    );
    Ok(())
}

#[tokio::test]
async fn reads_cannot_write() -> Outcome {
    let (storage, _) = person().await?;
    assert!(matches!(storage.read(insert("a", "x")).await, Err(storage::Error::ReadOnly)));
    assert_eq!(storage.read(count()).await?.as_deref(), Some("0"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merges_of_one_node_at_once_make_one() -> Outcome {
    let (storage, _) = person().await?;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..64 {
        let storage = storage.clone();
        tasks.spawn(async move {
            let key = (number % 4).to_string();
            let of_key = |syntax| {
                let mut sql = Sql::new(syntax);
                sql.bind(key.as_str()).push(" and \"__type\" = 'Person'");
                sql
            };
            let merge = Write::Merge {
                find: of_key("select 1 from node where \"__key\" = "),
                create: Ok(vec![insert(&key, "1")]),
                update: vec![of_key("update node set name = (name::bigint + 1)::text where \"__key\" = ")],
                read: name_of(&key),
            };
            storage.write(merge).await
        });
    }
    while let Some(done) = tasks.join_next().await {
        assert!(done??.is_some());
    }
    let names = Sql::new("select string_agg(name, ' ') from node");
    assert_eq!(storage.read(names).await?.as_deref(), Some("16 16 16 16"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_decided_holds_until_it_is_written() -> Outcome {
    let (storage, _) = person().await?;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let storage = storage.clone();
        tasks.spawn(async move {
            let key = number.to_string();
            if number % 2 == 0 {
                return storage.write(create(&key, "plain")).await.map(drop);
            }
            let decision = Decision::new(move |found| {
                let found = found.unwrap_or_default();
                if found.len() > 2 { Err("full".to_owned()) } else { Ok(vec![insert(&key, found)]) }
            });
            storage.write(Write::Decide { check: count(), decision, read: count() }).await.map(drop)
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    // Each name is the count before it: no two are the same.
    let decided = Sql::new("select count(*) || ' ' || count(distinct name) from node where name <> 'plain'");
    assert_eq!(storage.read(decided).await?.as_deref(), Some("20 20"));
    let refused =
        Write::Decide { check: count(), decision: Decision::new(|_| Err("not now".to_owned())), read: count() };
    assert!(matches!(storage.write(refused).await, Err(storage::Error::Refused(text)) if text == "not now"));
    assert_eq!(storage.read(count()).await?.as_deref(), Some("40"));
    Ok(())
}

#[tokio::test]
async fn whoever_gives_up_leaves_nothing_running() -> Outcome {
    let (storage, url) = person().await?;
    let slow = storage.read(Sql::new("select pg_sleep(8)::text"));
    assert!(tokio::time::timeout(Duration::from_millis(200), slow).await.is_err());
    let running = "select count(*) from pg_stat_activity where state = 'active' and query like 'select pg_sleep(8)%'";
    for _ in 0..50 {
        if cluster::sql(&url, running) == "0" {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    Err("the statement still runs".into())
}

#[tokio::test]
async fn waiting_and_running_are_bounded() -> Outcome {
    let settings = Settings {
        connections: 1,
        acquire_timeout: Duration::from_millis(200),
        statement_timeout: Duration::from_millis(600),
        ..empty()
    };
    let storage = open(&settings, PERSON, RemovedPolicy::Refuse).await?;
    let slow = {
        let storage = storage.clone();
        tokio::spawn(async move { storage.read(Sql::new("select pg_sleep(8)::text")).await })
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(matches!(storage.read(count()).await, Err(storage::Error::Busy)));
    assert!(matches!(slow.await?, Err(storage::Error::Timeout)));
    assert_eq!(storage.read(count()).await?.as_deref(), Some("0"));
    let write = Write::Change { statements: vec![insert("a", "x")], read: Sql::new("select pg_sleep(8)::text") };
    assert!(matches!(storage.write(write).await, Err(storage::Error::Timeout)));
    assert_eq!(storage.read(count()).await?.as_deref(), Some("0"));
    storage.close().await;
    assert!(matches!(storage.read(count()).await, Err(storage::Error::Closed)));
    assert!(matches!(storage.write(create("a", "x")).await, Err(storage::Error::Closed)));
    Ok(())
}

#[tokio::test]
async fn connections_that_the_server_ended_are_replaced() -> Outcome {
    let (storage, url) = person().await?;
    storage.write(create("a", "Ada")).await?;
    for _ in 0..5 {
        cluster::sql(
            &url,
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'clef' and datname = current_database()",
        );
        assert_eq!(storage.read(name_of("a")).await?.as_deref(), Some("Ada"));
    }
    Ok(())
}

#[tokio::test]
async fn values_that_postgres_cannot_hold_are_refused_in_words() -> Outcome {
    let (storage, _) = person().await?;
    let refusal = |outcome| match outcome {
        Err(storage::Error::Refused(text)) => text,
        other => format!("{other:?}"),
    };
    assert!(refusal(storage.write(create("a", "x\0y")).await).contains("U+0000"));
    assert!(refusal(storage.write(create("a", &uuid_text())).await).contains("too long"));
    assert_eq!(storage.read(count()).await?.as_deref(), Some("0"));
    Ok(())
}

/// Text that does not compress.
fn uuid_text() -> String {
    (0..500).map(|_| uuid::Uuid::new_v4().simple().to_string()).collect()
}

#[tokio::test]
async fn a_deleted_node_can_be_seen_once_more() -> Outcome {
    let (storage, _) = person().await?;
    storage.write(create("a", "Ada")).await?;
    let mut events = storage.events().listen().await;
    let _watch = storage.events().watch_deletions();
    let delete = Write::Delete { read: name_of("a"), statement: Sql::new("delete from node") };
    let announcement = Announcement { ty: "Person".into(), key: "a".into(), cause: Cause::Delete, topic: None };
    let delete = delete.with(insert("b", "also"));
    assert_eq!(storage.write_announced(delete, announcement).await?.as_deref(), Some("Ada"));
    let storage::Told::Event(event) = events.recv().await? else { return Err("missed".into()) };
    let before = event.before.as_ref().ok_or("no snapshot")?;
    assert_eq!(before.read(name_of("a")).await?.as_deref(), Some("Ada"));
    assert_eq!(storage.read(name_of("a")).await?, None);
    assert_eq!(storage.read(name_of("b")).await?.as_deref(), Some("also"));
    Ok(())
}

#[tokio::test]
async fn databases_that_cannot_be_used_are_refused_without_a_password() -> Outcome {
    let foreign = empty();
    cluster::sql(&foreign.url, "create table node (x int)");
    assert!(refusal(&foreign, PERSON).await?.to_string().contains("tables that Clef did not make (node)"));

    let newer = empty();
    open(&newer, PERSON, RemovedPolicy::Refuse).await?.close().await;
    cluster::sql(&newer.url, "insert into clef_migration values ('m29990101_000001_future', 0)");
    assert!(refusal(&newer, PERSON).await?.to_string().contains("m29990101_000001_future"));

    let at = |url: &str| Settings { url: url.to_owned(), ..Settings::default() };
    let secret = "s3cr3t";
    let none = newer.url.replace("clef@", &format!("clef:{secret}@")).replace("/t", "/none");
    assert!(matches!(refusal(&at(&none), PERSON).await?, OpenError::NoDatabase { .. }));
    let other_user = newer.url.replace("clef@", &format!("nobody:{secret}@"));
    assert!(matches!(refusal(&at(&other_user), PERSON).await?, OpenError::Denied { .. }));
    for (url, is_read) in [
        (format!("postgres://clef:{secret}@127.0.0.1:1/x"), true),
        (format!("postgres://clef:{secret}@host:port/x"), false),
        (format!("postgres://clef:a?{secret}@127.0.0.1:1/x"), true),
        (format!("postgres://clef:{secret}@127.0.0.1/x?sslmode=sometimes"), false),
        (format!("mysql://clef:{secret}@host/x"), false),
    ] {
        let error = refusal(&at(&url), PERSON).await?;
        assert_eq!(matches!(error, OpenError::Unreachable { .. }), is_read, "{error:?}");
        assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
    }
    let long = "x".repeat(64);
    let text = refusal(&empty(), &[("Person", &[(&long, "String")])]).await?.to_string();
    assert!(text.contains(&long) && text.contains("63"), "{text}");
    let (one, other) = (format!("{long}1"), format!("{long}2"));
    let types: &[(&str, Fields<'_>)] = &[(&one, &[NAME]), (&other, &[NAME])];
    let settings = empty();
    open(&settings, types, RemovedPolicy::Refuse).await?.close().await;
    assert_eq!(Storage::compare(&settings, &model(types)?, RemovedPolicy::Refuse).await?, []);
    assert_eq!(cluster::sql(&settings.url, "select count(*) from pg_views where schemaname = 'public'"), "2");
    Ok(())
}

const PATTERNS: [&str; 30] = [
    "a.c",
    "(?i)CLARA",
    "(?i)straße",
    r"\d+",
    r"\w+",
    r"\s",
    r"[^a-z]+",
    r"[\p{L}]+",
    r"\p{Greek}+",
    "a{2,3}",
    "a{2,}?b*",
    "(a|bc)+d?",
    "(?s).*",
    ".*",
    r"\bwort\b",
    r".*\bé\b.*",
    r".*\Bo.*",
    "(?m)^b$",
    "(?m).*\\n^b$",
    "a|",
    "",
    r"\x{1F3B5}+",
    r"a\.b\*c",
    r"\[x\]\\",
    "(?:(?:a?){3}){2}",
    "[a&&b]",
    r"[\w--a]+",
    r"\*\*\*:a",
    "(?i)[k-m]+",
    r"\u{e9}|e\u{301}",
];
const TEXTS: [&str; 28] = [
    "",
    "a",
    "aa",
    "aaab",
    "abc",
    "a\nc",
    "a\nb",
    "b",
    "bcad",
    "Clara",
    "STRASSE",
    "Straße",
    "٣4",
    "é",
    "e\u{301}",
    "wort",
    "ein wort",
    "x é y",
    "xo",
    "Ω",
    "ωμέγα",
    "🎵🎵",
    "a.b*c",
    "[x]\\",
    "***:a",
    "K",
    "\u{212a}",
    " ",
];

/// Against the crate regex, whose syntax is that of the filter language.
#[tokio::test]
async fn patterns_match_what_they_match_elsewhere() -> Outcome {
    let (storage, _) = person().await?;
    let (mut matched, mut compared) = (0, 0);
    for pattern in PATTERNS {
        let anchored = [r"\A(?:", pattern, r")\z"].concat();
        let regex = regex::Regex::new(&anchored)?;
        for text in TEXTS {
            let mut column = Sql::new("");
            column.bind(text);
            let condition = Dialect::Postgres.matches(column, &anchored).ok_or(pattern)?;
            let mut statement = Sql::new("select ");
            statement.append(condition);
            let expected = if regex.is_match(text) { "1" } else { "0" };
            assert_eq!(storage.read(statement).await?.as_deref(), Some(expected), "{pattern:?} {text:?}");
            (matched, compared) = (matched + usize::from(expected == "1"), compared + 1);
        }
    }
    assert!(compared == 840 && matched > 80, "{matched} of {compared}");
    Ok(())
}
