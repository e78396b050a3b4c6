//! Changes made, within the transaction in which they were found.

use sea_orm::DbErr;
use sha2::{Digest, Sha256};

use super::change::{Change, RemovedPolicy};
use super::compare::{is_name_taken, kept_name};
use super::dialect::{self, fitted};
use super::schema::Schema;
use super::search;
use crate::model::{Model, columns::system};
use crate::sql::{Dialect, Sql};

/// Makes the changes and records them. Removals follow `policy`; those it refuses were sorted out before.
pub(super) async fn apply(
    schema: &Schema<'_>,
    model: &Model,
    changes: &[Change],
    policy: RemovedPolicy,
) -> Result<(), DbErr> {
    // First what stands in the way of columns, then columns, then what is built on them.
    for change in changes {
        match change {
            Change::DropIndex { name } => schema.run(drop("drop index if exists ", name)).await?,
            Change::SetView { replaces: Some(view), .. } => schema.run(drop("drop view if exists ", view)).await?,
            Change::DropView { view } => {
                schema.run(drop("drop view if exists ", view)).await?;
                let mut sql = Sql::new("delete from clef_type where is_kept = 0 and view = ");
                sql.bind(view.as_str());
                schema.run(sql).await?;
            }
            _ => {}
        }
    }
    for change in changes {
        remove(schema, model, change, policy).await?;
    }
    rename_columns(schema, changes).await?;
    for change in changes {
        add(schema, model, change).await?;
    }
    record_schema(schema, model).await
}

async fn remove(schema: &Schema<'_>, model: &Model, change: &Change, policy: RemovedPolicy) -> Result<(), DbErr> {
    match change {
        Change::RemoveColumn { name, property, storage, nodes, .. } if *nodes > 0 && policy == RemovedPolicy::Keep => {
            let mut sql = Sql::new("update clef_column set is_kept = 1 where name = ");
            sql.bind(name.as_str());
            schema.run(sql).await?;
            if is_name_taken(model, name) {
                rename_column(schema, name, &kept_name(schema.dialect, property, storage)).await?;
            }
            Ok(())
        }
        Change::RemoveColumn { name, .. } => {
            let mut sql = Sql::new("delete from clef_column where name = ");
            sql.bind(name.as_str());
            schema.run(sql).await?;
            if !schema.columns().await?.contains(name) {
                return Ok(());
            }
            schema.run(drop("alter table node drop column ", name)).await
        }
        Change::RemoveType { name, .. } if policy == RemovedPolicy::Keep => {
            let mut sql = Sql::new("insert into clef_type (name, is_kept) values (");
            sql.bind(name.as_str()).push(", 1) on conflict (name) do update set view = null, is_kept = 1");
            schema.run(sql).await
        }
        Change::RemoveType { name, .. } => {
            let mut sql = Sql::new("delete from node where ");
            sql.ident(system::TYPE).push(" = ").bind(name.as_str());
            schema.run(sql).await?;
            let mut sql = Sql::new("delete from clef_type where name = ");
            sql.bind(name.as_str());
            schema.run(sql).await
        }
        _ => Ok(()),
    }
}

/// In two steps: two columns may exchange their names.
async fn rename_columns(schema: &Schema<'_>, changes: &[Change]) -> Result<(), DbErr> {
    let renames: Vec<_> = changes
        .iter()
        .filter_map(|change| match change {
            Change::RenameColumn { from, to } => Some((from, to, fitted(schema.dialect, format!("__moving_{to}")))),
            _ => None,
        })
        .collect();
    for (from, _, between) in &renames {
        rename_column(schema, from, between).await?;
    }
    for (_, to, between) in &renames {
        rename_column(schema, between, to).await?;
    }
    Ok(())
}

async fn rename_column(schema: &Schema<'_>, from: &str, to: &str) -> Result<(), DbErr> {
    let mut sql = Sql::new("alter table node rename column ");
    sql.ident(from).push(" to ").ident(to);
    schema.run(sql).await?;
    let mut sql = Sql::new("update clef_column set name = ");
    sql.bind(to).push(" where name = ").bind(from);
    schema.run(sql).await
}

async fn add(schema: &Schema<'_>, model: &Model, change: &Change) -> Result<(), DbErr> {
    match change {
        Change::AddColumn { name, property, storage } => {
            let mut sql = Sql::new("alter table node add column ");
            sql.ident(name).push(dialect::column_type(schema.dialect, storage));
            schema.run(sql).await?;
            let mut sql = Sql::new("insert into clef_column (name, property, storage) values (");
            sql.bind(name.as_str()).push(", ").bind(property.as_str()).push(", ").bind(*storage);
            sql.push(") on conflict (property, storage) do update set name = excluded.name, is_kept = 0");
            schema.run(sql).await
        }
        Change::ReuseColumn { name } => {
            let mut sql = Sql::new("update clef_column set is_kept = 0 where name = ");
            sql.bind(name.as_str());
            schema.run(sql).await
        }
        Change::ReuseType { name } => {
            let mut sql = Sql::new("update clef_type set is_kept = 0 where name = ");
            sql.bind(name.as_str());
            schema.run(sql).await
        }
        Change::AddIndex { name, column } => {
            let mut sql = Sql::new("create index ");
            sql.ident(name).push(" on node ").append(dialect::index_columns(schema.dialect, column));
            schema.run(sql).await
        }
        Change::SetView { ty, view, statement, .. } => {
            schema.run(statement.clone()).await?;
            if schema.dialect == Dialect::Postgres {
                schema.run(comment(view, statement)).await?;
            }
            let mut sql = Sql::new("insert into clef_type (name, view) values (");
            sql.bind(ty.as_str())
                .push(", ")
                .bind(view.as_str())
                .push(") on conflict (name) do update set view = excluded.view");
            schema.run(sql).await
        }
        Change::MakeSearch { .. } => search::make_index(schema, model).await,
        Change::DropSearch => search::drop_index(schema).await,
        _ => Ok(()),
    }
}

/// What the comparison reads again: PostgreSQL keeps views in another form.
fn comment(view: &str, statement: &Sql) -> Sql {
    let mut sql = Sql::new("comment on view ");
    sql.ident(view).push(" is ").literal(statement.text());
    sql
}

fn drop(command: &'static str, name: &str) -> Sql {
    let mut sql = Sql::new(command);
    sql.ident(name);
    sql
}

/// A row whenever the columns or types differ from those of the last row.
async fn record_schema(schema: &Schema<'_>, model: &Model) -> Result<(), DbErr> {
    let mut digest = Sha256::new();
    for column in model.columns() {
        for part in [
            column.name.as_str(),
            &column.property,
            column.storage.as_str(),
            if column.is_indexed { "indexed" } else { "" },
        ] {
            digest.update(part);
            digest.update([0]);
        }
    }
    for (_, ty) in model.objects() {
        digest.update(ty.name.as_bytes());
        digest.update([0]);
    }
    let hash = format!("{:x}", digest.finalize());
    if schema.first::<String>(Sql::new("select hash from clef_schema order by id desc limit 1")).await?
        == Some(hash.clone())
    {
        // A file without the right to write would not be noticed otherwise: SQLite opens it, and even begins to write.
        let touch = Sql::new("update clef_schema set hash = hash where id = (select max(id) from clef_schema)");
        return schema.run(touch).await;
    }
    let mut sql = Sql::new("insert into clef_schema (hash, applied_at) values (");
    sql.bind(hash).push(", ").push(dialect::now(schema.dialect)).push(")");
    schema.run(sql).await
}
