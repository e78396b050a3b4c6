//! Promises of the storage: evolution of the tables, writes that are whole or not at all, shared commits, failures of the file.

use std::collections::HashSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clef::model::Model;
use clef::sql::Sql;
use clef::storage::{self, Change, OpenError, RemovedPolicy, Settings, Storage, Write};
use futures_util::future::join_all;

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// A field: name, SDL type with directives.
pub(crate) type Fields<'a> = &'a [(&'a str, &'a str)];

pub(crate) const NAME: (&str, &str) = ("name", "String @index");
pub(crate) const AGE: (&str, &str) = ("age", "Int");

/// The model of object types with the key `identifier`.
pub(crate) fn model(types: &[(&str, Fields<'_>)]) -> Result<Model, Box<dyn Error>> {
    let mut text = String::new();
    for (name, fields) in types {
        let fields: String = fields.iter().map(|(name, ty)| format!("  {name}: {ty}\n")).collect();
        text.push_str(&format!("type {name} {{\n  identifier: ID @id\n{fields}}}\n"));
    }
    let folder = Folder::new()?;
    std::fs::write(folder.0.join("types.graphql"), text)?;
    let definitions = clef::sdl::parse(&clef::sdl::read_folder(&folder.0)?).map_err(|problems| problems.to_string())?;
    clef::model::build(&definitions).map_err(|errors| format!("{errors:?}").into())
}

/// A folder of its own that goes with the value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Box<dyn Error>> {
        let path = std::env::temp_dir().join(format!("clef-test-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    fn settings(&self) -> Settings {
        settings(&self.0.join("data/clef.db"))
    }

    /// The same on either engine: a file in the folder, and a database of PostgreSQL.
    fn both(&self) -> [Settings; 2] {
        [self.settings(), Settings { url: crate::support::cluster::database(), ..Settings::default() }]
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn settings(file: &Path) -> Settings {
    Settings {
        url: format!("sqlite://{}?mode=rwc", file.display()),
        busy_timeout: Duration::from_millis(200),
        ..Settings::default()
    }
}

fn in_memory() -> Settings {
    Settings { url: "sqlite::memory:".to_owned(), ..Settings::default() }
}

pub(crate) async fn open(
    settings: &Settings,
    types: &[(&str, Fields<'_>)],
    policy: RemovedPolicy,
) -> Result<Storage, Box<dyn Error>> {
    Ok(Storage::open(settings, &model(types)?, policy).await?)
}

pub(crate) async fn refusal(settings: &Settings, types: &[(&str, Fields<'_>)]) -> Result<OpenError, Box<dyn Error>> {
    match Storage::open(settings, &model(types)?, RemovedPolicy::Refuse).await {
        Ok(_) => Err("opened".into()),
        Err(error) => Ok(error),
    }
}

pub(crate) fn insert(key: &str, name: &str) -> Sql {
    let mut sql = Sql::new(r#"insert into node ("__type", "__key", "name") values ('Person', "#);
    sql.bind(key).push(", ").bind(name).push(")");
    sql
}

pub(crate) fn name_of(key: &str) -> Sql {
    let mut sql = Sql::new(r#"select "name" from node where "__type" = 'Person' and "__key" = "#);
    sql.bind(key);
    sql
}

pub(crate) fn create(key: &str, name: &str) -> Write {
    Write::Change { statements: vec![insert(key, name)], read: name_of(key) }
}

pub(crate) fn count() -> Sql {
    Sql::new("select count(*) from node")
}

#[tokio::test]
async fn new_properties_become_columns_and_data_stays() -> Outcome {
    let folder = Folder::new()?;
    for settings in folder.both() {
        let storage = open(&settings, &[("Person", &[NAME])], RemovedPolicy::Refuse).await?;
        assert_eq!(storage.write(create("a", "Ada")).await?.as_deref(), Some("Ada"));
        storage.close().await;
        assert!(!folder.0.join("data/clef.db-wal").exists(), "closing moves the log into the database");

        let storage =
            open(&settings, &[("Person", &[NAME, AGE]), ("Place", &[("title", "String")])], RemovedPolicy::Refuse)
                .await?;
        assert_eq!(storage.read(name_of("a")).await?.as_deref(), Some("Ada"));
        let set_age = Sql::new("update node set age = 36");
        let write = Write::Change {
            statements: vec![set_age],
            read: Sql::new(r#"select name || ' ' || age from "Person" where identifier = 'a'"#),
        };
        assert_eq!(storage.write(write).await?.as_deref(), Some("Ada 36"), "the view shows the new column");
        storage.close().await;
        let again = Storage::compare(
            &settings,
            &model(&[("Person", &[NAME, AGE]), ("Place", &[("title", "String")])])?,
            RemovedPolicy::Refuse,
        )
        .await?;
        assert_eq!(again, []);
    }
    Ok(())
}

#[tokio::test]
async fn comparing_changes_nothing_and_reads_as_lines() -> Outcome {
    let folder = Folder::new()?;
    for settings in folder.both() {
        let changes = Storage::compare(&settings, &model(&[("Person", &[NAME])])?, RemovedPolicy::Refuse).await?;
        let lines: Vec<_> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "add column `name` for property `name` (text)",
                "add index on column `name`",
                "make view `Person` of type `Person`"
            ]
        );
        assert!(!folder.0.join("data").exists());
    }
    Ok(())
}

#[tokio::test]
async fn a_removed_property_with_values_is_refused_by_name_until_asked_for() -> Outcome {
    let folder = Folder::new()?;
    for settings in folder.both() {
        let storage = open(&settings, &[("Person", &[NAME, AGE])], RemovedPolicy::Refuse).await?;
        storage.write(create("a", "Ada")).await?;
        storage.close().await;

        let without_name: &[(&str, Fields<'_>)] = &[("Person", &[AGE])];
        let text = refusal(&settings, without_name).await?.to_string();
        assert!(
            text.contains("remove property `name` (text): 1 nodes hold a value") && text.contains("--keep-removed"),
            "{text}"
        );

        open(&settings, without_name, RemovedPolicy::Keep).await?.close().await;
        open(&settings, without_name, RemovedPolicy::Refuse).await?.close().await;
        let storage = open(&settings, &[("Person", &[NAME, AGE])], RemovedPolicy::Refuse).await?;
        assert_eq!(
            storage.read(name_of("a")).await?.as_deref(),
            Some("Ada"),
            "a kept column that comes back is used again"
        );
        storage.close().await;

        open(&settings, without_name, RemovedPolicy::Drop).await?.close().await;
        let storage = open(&settings, &[("Person", &[NAME, AGE])], RemovedPolicy::Refuse).await?;
        assert_eq!(storage.read(name_of("a")).await?, None, "dropped when asked for");
        assert_eq!(storage.read(count()).await?.as_deref(), Some("1"));
    }
    Ok(())
}

#[tokio::test]
async fn a_removed_property_without_values_goes_silently() -> Outcome {
    let folder = Folder::new()?;
    let storage = open(&folder.settings(), &[("Person", &[NAME, AGE])], RemovedPolicy::Refuse).await?;
    storage.write(create("a", "Ada")).await?;
    storage.close().await;
    let storage = open(&folder.settings(), &[("Person", &[NAME])], RemovedPolicy::Refuse).await?;
    assert_eq!(
        storage.read(Sql::new("select count(*) from pragma_table_info('node') where name = 'age'")).await?.as_deref(),
        Some("0")
    );
    Ok(())
}

#[tokio::test]
async fn a_retyped_property_with_values_is_refused_and_keeps_both_if_asked() -> Outcome {
    let folder = Folder::new()?;
    for settings in folder.both() {
        let storage = open(&settings, &[("Person", &[NAME])], RemovedPolicy::Refuse).await?;
        storage.write(create("a", "Ada")).await?;
        storage.close().await;
        let retyped: &[(&str, Fields<'_>)] = &[("Person", &[("name", "Int")])];
        let text = refusal(&settings, retyped).await?.to_string();
        assert!(text.contains("change property `name` from text to integer: 1 nodes hold a value"), "{text}");

        let storage = open(&settings, retyped, RemovedPolicy::Keep).await?;
        assert_eq!(storage.read(name_of("a")).await?, None);
        storage.close().await;
        let storage = open(&settings, &[("Person", &[NAME])], RemovedPolicy::Refuse).await?;
        assert_eq!(storage.read(name_of("a")).await?.as_deref(), Some("Ada"), "back under its own name");
    }
    Ok(())
}

#[tokio::test]
async fn a_removed_type_with_nodes_is_refused_by_name() -> Outcome {
    let folder = Folder::new()?;
    for settings in folder.both() {
        let both: &[(&str, Fields<'_>)] = &[("Person", &[NAME]), ("Place", &[NAME])];
        let storage = open(&settings, both, RemovedPolicy::Refuse).await?;
        storage.write(create("a", "Ada")).await?;
        storage.close().await;
        let place: &[(&str, Fields<'_>)] = &[("Place", &[NAME])];
        let text = refusal(&settings, place).await?.to_string();
        assert!(text.contains("remove type `Person`: 1 nodes exist"), "{text}");
        open(&settings, place, RemovedPolicy::Keep).await?.close().await;
        open(&settings, both, RemovedPolicy::Refuse).await?.close().await;
        let storage = open(&settings, place, RemovedPolicy::Drop).await?;
        assert_eq!(storage.read(count()).await?.as_deref(), Some("0"));
    }
    Ok(())
}

#[tokio::test]
async fn columns_may_exchange_their_names() -> Outcome {
    let folder = Folder::new()?;
    for settings in folder.both() {
        let storage =
            open(&settings, &[("Person", &[NAME]), ("Place", &[("name", "Int")])], RemovedPolicy::Refuse).await?;
        storage.write(create("a", "Ada")).await?;
        storage.close().await;
        let storage =
            open(&settings, &[("Place", &[("name", "Int")]), ("Person", &[NAME])], RemovedPolicy::Refuse).await?;
        assert_eq!(storage.read(Sql::new(r#"select name from "Person""#)).await?.as_deref(), Some("Ada"));
    }
    Ok(())
}

#[tokio::test]
async fn views_avoid_names_of_tables_and_show_times_as_text() -> Outcome {
    let fields: Fields<'_> = &[("born", "Date"), ("seen", "DateTime")];
    let storage = open(&in_memory(), &[("Node", fields), ("sqlite_x", &[NAME])], RemovedPolicy::Refuse).await?;
    for (key, born, seen) in [
        ("1", "1815-12-10", "2026-01-02T03:04:05.120000000Z"),
        ("2", "-abc -0044-03-15", "key 2026-01-02T03:04:05+01:00"),
    ] {
        let mut sql = Sql::new(r#"insert into node ("__type", "__key", born, seen) values ('Node', "#);
        sql.bind(key).push(", ").bind(born).push(", ").bind(seen).push(")");
        storage.write(Write::Change { statements: vec![sql], read: count() }).await?;
    }
    let shown = storage
        .read(Sql::new(r#"select group_concat(born || ' ' || seen, '|' order by identifier) from "Node_view""#))
        .await?;
    assert_eq!(shown.as_deref(), Some("1815-12-10 2026-01-02T03:04:05.12Z|-0044-03-15 2026-01-02T03:04:05+01:00"));
    assert_eq!(storage.read(Sql::new("select count(*) from type_sqlite_x")).await?.as_deref(), Some("0"));
    Ok(())
}

#[tokio::test]
async fn a_second_node_of_a_type_and_key_is_a_conflict() -> Outcome {
    let folder = Folder::new()?;
    for settings in folder.both() {
        let storage = open(&settings, &[("Person", &[NAME])], RemovedPolicy::Refuse).await?;
        storage.write(create("a", "Ada")).await?;
        assert!(matches!(storage.write(create("a", "Eve")).await, Err(storage::Error::Conflict)));
        assert_eq!(storage.read(name_of("a")).await?.as_deref(), Some("Ada"));
    }
    Ok(())
}

#[tokio::test]
async fn merge_creates_updates_or_refuses_and_delete_answers_what_was() -> Outcome {
    let folder = Folder::new()?;
    for settings in folder.both() {
        let storage = open(&settings, &[("Person", &[NAME])], RemovedPolicy::Refuse).await?;
        let merge = |create: Result<Vec<Sql>, String>| Write::Merge {
            find: Sql::new(r#"select 1 from node where "__key" = 'a'"#),
            create,
            update: vec![Sql::new("update node set name = 'updated'")],
            read: name_of("a"),
        };
        assert!(
            matches!(storage.write(merge(Err("no name".to_owned()))).await, Err(storage::Error::Refused(text)) if text == "no name")
        );
        assert_eq!(storage.write(merge(Ok(vec![insert("a", "created")]))).await?.as_deref(), Some("created"));
        assert_eq!(storage.write(merge(Err("no name".to_owned()))).await?.as_deref(), Some("updated"));
        let delete = || Write::Delete { read: name_of("a"), statement: Sql::new("delete from node") };
        assert_eq!(storage.write(delete()).await?.as_deref(), Some("updated"));
        assert_eq!(storage.write(delete()).await?, None);
        assert_eq!(storage.read(count()).await?.as_deref(), Some("0"));
    }
    Ok(())
}

#[tokio::test]
async fn of_writes_that_share_a_commit_a_failing_one_fails_alone_and_leaves_nothing() -> Outcome {
    let folder = Folder::new()?;
    for settings in folder.both() {
        let storage = open(&settings, &[("Person", &[NAME])], RemovedPolicy::Refuse).await?;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..60 {
            let storage = storage.clone();
            tasks.spawn(async move {
                let key = number.to_string();
                if number % 3 == 0 {
                    // The first statement works, the second does not.
                    let statements = vec![insert(&key, "half"), insert(&key, "again")];
                    assert!(matches!(
                        storage.write(Write::Change { statements, read: count() }).await,
                        Err(storage::Error::Conflict)
                    ));
                } else if number % 3 == 1 {
                    let broken = Write::Change {
                        statements: vec![insert(&key, "half"), Sql::new("insert into nowhere values (1)")],
                        read: count(),
                    };
                    assert!(matches!(storage.write(broken).await, Err(storage::Error::Internal(_))));
                } else {
                    assert!(matches!(storage.write(create(&key, "whole")).await, Ok(Some(name)) if name == "whole"));
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done?;
        }
        assert_eq!(
            storage.read(Sql::new("select count(*) || ' ' || min(name) from node")).await?.as_deref(),
            Some("20 whole")
        );
        assert!(storage.commits() < 60);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writers_share_commits_and_a_lone_one_does_not_wait() -> Outcome {
    let folder = Folder::new()?;
    let storage = open(&folder.settings(), &[("Person", &[NAME])], RemovedPolicy::Refuse).await?;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..32 {
        let storage = storage.clone();
        tasks.spawn(async move {
            for number in 0..20 {
                storage.write(create(&format!("{task}-{number}"), "x")).await?;
            }
            Ok::<_, storage::Error>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    assert!(storage.commits() * 4 <= 640, "{} commits for 640 writes", storage.commits());
    assert_eq!(storage.statements(), 1280);
    Ok(())
}

#[tokio::test]
async fn a_write_whose_caller_is_gone_is_whole_or_not_at_all() -> Outcome {
    let folder = Folder::new()?;
    for settings in folder.both() {
        let storage = open(&settings, &[("Person", &[NAME])], RemovedPolicy::Refuse).await?;
        for number in 0..50 {
            let statements = vec![insert(&format!("{number}a"), "x"), insert(&format!("{number}b"), "x")];
            let write = storage.write(Write::Change { statements, read: count() });
            let _ = tokio::time::timeout(Duration::from_micros(number * 20), write).await;
        }
        let halves = "select count(*) from (select 1 from node group by substr(\"__key\", 1, length(\"__key\") - 1) having count(*) <> 2) halves";
        storage.write(create("last", "x")).await?;
        storage
            .write(Write::Delete { read: count(), statement: Sql::new("delete from node where \"__key\" = 'last'") })
            .await?;
        assert_eq!(storage.read(Sql::new(halves)).await?.as_deref(), Some("0"));
    }
    Ok(())
}

#[tokio::test]
async fn an_endless_statement_is_ended_and_its_connection_freed() -> Outcome {
    let settings = Settings { read_connections: 1, statement_timeout: Duration::from_millis(200), ..in_memory() };
    let storage = open(&settings, &[("Person", &[NAME])], RemovedPolicy::Refuse).await?;
    let endless =
        || Sql::new("with recursive n (n) as (select 1 union all select n + 1 from n) select count(*) from n");
    assert!(matches!(storage.read(endless()).await, Err(storage::Error::Timeout)));
    let _ = tokio::time::timeout(Duration::from_millis(50), storage.read(endless())).await;
    assert_eq!(storage.read(count()).await?.as_deref(), Some("0"), "also when given up by the caller");
    let write = Write::Change { statements: vec![insert("a", "x")], read: endless() };
    assert!(matches!(storage.write(write).await, Err(storage::Error::Timeout)));
    storage.write(create("a", "Ada")).await?;
    Ok(())
}

#[tokio::test]
async fn readers_cannot_write_and_know_regular_expressions() -> Outcome {
    let storage = open(&in_memory(), &[("Person", &[NAME])], RemovedPolicy::Refuse).await?;
    assert!(matches!(storage.read(insert("a", "x")).await, Err(storage::Error::ReadOnly)));
    assert_eq!(storage.read(Sql::new("select 'clef' regexp '^c.ef$'")).await?.as_deref(), Some("1"));
    assert_eq!(storage.read(Sql::new("select null")).await?, None);
    assert_eq!(storage.read(Sql::new("select 1 where 0")).await?, None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_may_open_a_new_file_at_once() -> Outcome {
    for round in 0..20 {
        let folder = Folder::new()?;
        // A lock is given up within the time in which a busy machine makes all of them.
        let settings = Settings { busy_timeout: Duration::from_secs(10), ..folder.settings() };
        let opening = (0..4).map(|_| open(&settings, &[("Person", &[NAME])], RemovedPolicy::Refuse));
        for (number, opened) in join_all(opening).await.into_iter().enumerate() {
            let storage = opened.map_err(|error| format!("round {round}, {number}: {error}"))?;
            storage.write(create(&number.to_string(), "Ada")).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_database_locked_by_another_is_busy_until_it_is_not() -> Outcome {
    let folder = Folder::new()?;
    let storage = open(&folder.settings(), &[("Person", &[NAME])], RemovedPolicy::Refuse).await?;
    storage.write(create("a", "Ada")).await?;
    let mut other = other_connection(&folder.settings()).await?;
    sqlx::raw_sql("begin immediate").execute(&mut other).await?;
    assert!(matches!(storage.write(create("b", "Bob")).await, Err(storage::Error::Busy)));
    assert_eq!(storage.read(name_of("a")).await?.as_deref(), Some("Ada"), "reads go on");
    assert!(matches!(refusal(&folder.settings(), &[("Person", &[NAME])]).await?, OpenError::Locked { .. }));
    assert!(matches!(storage.check().await, Err(storage::Error::Busy)));
    let keys: Vec<_> = (0..300).map(|number| number.to_string()).collect();
    let start = Instant::now();
    let outcomes = join_all(keys.iter().map(|key| storage.write(create(key, "Bob")))).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(storage::Error::Busy))));
    assert!(start.elapsed() < 3 * folder.settings().busy_timeout, "more than two batches wait no longer than one");
    sqlx::raw_sql("rollback").execute(&mut other).await?;
    storage.check().await?;
    storage.write(create("b", "Bob")).await?;
    Ok(())
}

#[tokio::test]
async fn files_that_are_not_ours_are_refused_and_left_alone() -> Outcome {
    let folder = Folder::new()?;
    let types: &[(&str, Fields<'_>)] = &[("Person", &[NAME])];
    let text_file = folder.0.join("text.db");
    std::fs::write(&text_file, "not a database, but long enough to have a header of one hundred bytes".repeat(40))?;
    assert!(matches!(refusal(&settings(&text_file), types).await?, OpenError::NotADatabase { .. }));

    let foreign = settings(&folder.0.join("foreign.db"));
    let mut other = other_connection(&foreign).await?;
    sqlx::raw_sql("create table node (x)").execute(&mut other).await?;
    assert!(refusal(&foreign, types).await?.to_string().contains("tables that Clef did not make (node)"));
    let mode: String = sqlx::query_scalar("pragma journal_mode").fetch_one(&mut other).await?;
    assert_eq!(mode, "delete");

    let newer = settings(&folder.0.join("newer.db"));
    open(&newer, types, RemovedPolicy::Refuse).await?.close().await;
    let mut other = other_connection(&newer).await?;
    sqlx::raw_sql("insert into clef_migration values ('m29990101_000001_future', 0)").execute(&mut other).await?;
    assert!(refusal(&newer, types).await?.to_string().contains("m29990101_000001_future"));

    let missing = Settings { url: format!("sqlite://{}/none.db", folder.0.display()), ..Settings::default() };
    assert!(matches!(refusal(&missing, types).await?, OpenError::Missing { .. }));
    let address = Settings { url: "mysql://x".to_owned(), ..Settings::default() };
    assert!(matches!(refusal(&address, types).await?, OpenError::Address { .. }));
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new()?;
    let storage = open(&folder.settings(), &[("Person", &[NAME])], RemovedPolicy::Refuse).await?;
    storage.write(create("a", "Ada")).await?;
    for (file, mode) in [("data", 0o700), ("data/clef.db", 0o600), ("data/clef.db-wal", 0o600)] {
        assert_eq!(std::fs::metadata(folder.0.join(file))?.permissions().mode() & 0o777, mode, "{file}");
    }
    Ok(())
}

#[tokio::test]
async fn a_full_disk_refuses_writes_lets_reads_go_on_and_recovers() -> Outcome {
    let folder = Folder::new()?;
    let Some(mount) = Mount::new(&folder.0.join("small"))? else {
        return Ok(());
    };
    let mut settings = settings(&mount.0.join("clef.db"));
    settings.busy_timeout = Duration::from_secs(1);
    let storage = open(&settings, &[("Person", &[NAME])], RemovedPolicy::Refuse).await?;
    let mut stored = HashSet::new();
    let mut failure = None;
    // Small ones last, so that no space is left even for them.
    for (length, last) in [(20_000, 1000), (10, 5000)] {
        for number in last - 1000..last {
            match storage.write(create(&number.to_string(), &"x".repeat(length))).await {
                Ok(_) => stored.insert(number),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            };
        }
        assert!(matches!(failure.take(), Some(storage::Error::Full)));
    }
    // The smallest write of all may still fit in.
    assert!(matches!(storage.check().await, Ok(()) | Err(storage::Error::Full)));
    assert_eq!(
        storage.read(count()).await?,
        Some(stored.len().to_string()),
        "reads go on, all that was answered is there"
    );
    mount.remount("remount,size=16m")?;
    storage.check().await?;
    storage.write(create("after", "x")).await?;
    assert_eq!(storage.read(Sql::new("pragma integrity_check")).await?.as_deref(), Some("ok"));
    storage.close().await;
    Ok(())
}

#[tokio::test]
async fn a_read_only_database_is_refused_at_start() -> Outcome {
    let folder = Folder::new()?;
    let Some(mount) = Mount::new(&folder.0.join("small"))? else {
        return Ok(());
    };
    let types: &[(&str, Fields<'_>)] = &[("Person", &[NAME])];
    let settings = settings(&mount.0.join("clef.db"));
    open(&settings, types, RemovedPolicy::Refuse).await?.close().await;
    mount.remount("remount,ro")?;
    let error = refusal(&settings, types).await?;
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
    mount.remount("remount,rw")?;
    open(&settings, types, RemovedPolicy::Refuse).await?.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_small_beside_readers_that_never_pause() -> Outcome {
    let folder = Folder::new()?;
    let storage = open(&folder.settings(), &[("Person", &[NAME])], RemovedPolicy::Refuse).await?;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let storage = storage.clone();
        tasks.spawn(async move {
            while storage.commits() < 400 {
                storage.read(Sql::new("select sum(length(name)) from node")).await?;
            }
            Ok::<_, storage::Error>(())
        });
    }
    let big = "x".repeat(200_000);
    let mut largest = 0;
    for number in 0..400 {
        storage.write(create(&number.to_string(), &big)).await?;
        largest = largest.max(std::fs::metadata(folder.0.join("data/clef.db-wal"))?.len());
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    assert!(largest < 64 << 20, "{largest} bytes");
    Ok(())
}

async fn other_connection(settings: &Settings) -> Result<sqlx::SqliteConnection, Box<dyn Error>> {
    use sqlx::Connection;
    Ok(sqlx::SqliteConnection::connect(&settings.url).await?)
}

/// A small file system in memory, which only root can have.
struct Mount(PathBuf);

impl Mount {
    fn new(path: &Path) -> Result<Option<Self>, Box<dyn Error>> {
        std::fs::create_dir_all(path)?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Ok(Some(Self(path.to_owned())));
        }
        eprintln!("NOT TESTED: mounting a small file system needs root");
        Ok(None)
    }

    fn remount(&self, options: &str) -> Outcome {
        let output = Command::new("mount").args(["-o", options]).arg(&self.0).output()?;
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn changes_say_whether_they_take_data_away() {
    let change = |nodes| Change::RemoveType { name: "Person".to_owned(), nodes };
    assert!(change(1).removes_data() && !change(0).removes_data());
}
