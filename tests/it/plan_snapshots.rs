//! Documents to SQL, without a database: each `plan/NAME.graphql` has its statements in `plan/NAME.snap` for
//! SQLite and `plan/NAME_postgres.snap` for PostgreSQL.
//!
//! Add a case: add a document, run `cargo insta review`, and read the SQL before you accept it.

use std::path::Path;
use std::sync::Arc;

use clef::model::Model;
use clef::plan::{self, KeptObjects, Source, Variables};
use clef::sql::{Dialect, Sql};
use clef::storage::Write;

use super::support;

#[test]
fn documents_become_the_statements_that_were_reviewed() {
    let model = support::model("schema");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/plan");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".graphql").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 15, "{names:?}");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("plan");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for name in names {
        let text = std::fs::read_to_string(folder.join(&name).with_extension("graphql")).unwrap();
        for (dialect, suffix) in [(Dialect::Sqlite, ""), (Dialect::Postgres, "_postgres")] {
            let planned = planned(&model, &text, dialect);
            settings.bind(|| insta::assert_snapshot!(format!("{name}{suffix}"), planned));
        }
    }
}

fn planned(model: &Arc<Model>, text: &str, dialect: Dialect) -> String {
    let document = async_graphql::parser::parse_query(text).unwrap();
    let (_, operation) = document.operations.iter().next().unwrap();
    let now = chrono::DateTime::from_timestamp(1_624_369_630, 0).unwrap();
    let source = Source {
        model,
        document: &document,
        kept: &KeptObjects::default(),
        variables: &Variables::new(),
        now,
        dialect,
    };
    let is_mutation = operation.node.ty == async_graphql::parser::types::OperationType::Mutation;
    let root_type = if is_mutation { "Mutation" } else { "Query" };
    let mut statements = Vec::new();
    for root in plan::root_fields(&source, root_type, &operation.node.selection_set.node) {
        if is_mutation {
            let change = plan::mutation::mutation(source, &root, || "new-key".to_owned()).unwrap();
            statements.extend(written(change.write));
        } else {
            statements.push(("read", plan::query::query(source, &root).unwrap().statement));
        }
    }
    let parts: Vec<_> = statements.iter().map(|(title, sql)| format!("-- {title}\n{}\n", laid_out(sql))).collect();
    parts.concat()
}

fn written(write: Write) -> Vec<(&'static str, Sql)> {
    match write {
        Write::Change { statements, read } => {
            statements.into_iter().map(|sql| ("write", sql)).chain([("then read", read)]).collect()
        }
        Write::Together { parts, read } => parts
            .into_iter()
            .map(|(name, sql)| (name.unwrap_or("write"), sql))
            .chain([("together with", read)])
            .collect(),
        Write::Delete { read, statement } => vec![("read", read), ("then write", statement)],
        Write::Merge { find, create, update, read } => {
            let create = create.unwrap_or_else(|reason| panic!("{reason}"));
            let titled = |title, statements: Vec<Sql>| statements.into_iter().map(move |sql| (title, sql));
            let find = std::iter::once(("find", find));
            let changes = titled("if there is none", create).chain(titled("if there is one", update));
            find.chain(changes).chain([("then read", read)]).collect()
        }
        Write::Decide { check, read, .. } => vec![("read", check), ("then decide and read", read)],
        Write::Also { write, statements } => {
            written(*write).into_iter().chain(statements.into_iter().map(|sql| ("then also write", sql))).collect()
        }
    }
}

/// A line for each clause, indented by the depth of subselects; parameters below.
fn laid_out(sql: &Sql) -> String {
    const CLAUSES: [&str; 8] =
        ["select ", "from ", "where ", "order by ", "limit ", "and exists ", "and not exists ", "cross join "];
    let mut laid_out = String::new();
    let (mut depth, mut opened) = (0_usize, Vec::new());
    for (position, character) in sql.text().char_indices() {
        let rest = &sql.text()[position..];
        let starts_word = position == 0 || sql.text()[..position].ends_with([' ', '(']);
        if starts_word && position > 0 && CLAUSES.iter().any(|clause| rest.starts_with(clause)) {
            laid_out.truncate(laid_out.trim_end().len());
            laid_out.push('\n');
            laid_out.push_str(&"  ".repeat(depth));
        }
        match character {
            '(' => {
                let is_subselect = rest.starts_with("(select ");
                opened.push(is_subselect);
                depth += usize::from(is_subselect);
            }
            ')' => depth -= usize::from(opened.pop().unwrap_or(false)),
            _ => {}
        }
        laid_out.push(character);
    }
    if sql.parameters().is_empty() { laid_out } else { format!("{laid_out}\n-- {:?}", sql.parameters()) }
}
