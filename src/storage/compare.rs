//! The model against the catalogue: which changes make the database fit. Decides; changes nothing.

use sea_orm::DbErr;

use super::catalogue::{Catalogue, INDEX_PREFIX, RecordedColumn, count_nodes, count_values};
use super::change::{Change, RemovedPolicy};
use super::dialect::fitted;
use super::schema::Schema;
use super::search;
use super::view::views;
use crate::model::{Column, Model};
use crate::sql::{Dialect, Sql};

/// Changes in the order of their application. What the schema no longer has comes with the number of nodes concerned; what was
/// kept before is only among them if `policy` is to drop it.
pub(super) async fn compare(schema: &Schema<'_>, model: &Model, policy: RemovedPolicy) -> Result<Vec<Change>, DbErr> {
    let catalogue = Catalogue::read(schema).await?;
    let mut changes = removed_types(schema, &catalogue, model, policy).await?;
    changes.extend(removed_columns(schema, &catalogue, model, policy).await?);
    changes.extend(present_columns(schema.dialect, &catalogue, model));
    changes.extend(indexes(schema.dialect, &catalogue, model, &changes));
    let is_disturbed = changes.iter().any(Change::disturbs_views);
    changes.extend(changed_views(schema.dialect, &catalogue, model, is_disturbed));
    changes.extend(search::compare(schema, model).await?);
    Ok(changes)
}

async fn removed_types(
    schema: &Schema<'_>,
    catalogue: &Catalogue,
    model: &Model,
    policy: RemovedPolicy,
) -> Result<Vec<Change>, DbErr> {
    let mut changes = Vec::new();
    let is_kept = |name: &str| catalogue.types.iter().any(|ty| ty.is_kept && ty.name == name);
    let is_modelled = |name: &str| model.objects().any(|(_, ty)| *ty.name == *name);
    for name in &catalogue.used_types {
        if is_modelled(name) && is_kept(name) {
            changes.push(Change::ReuseType { name: name.clone() });
        } else if !is_modelled(name) && (!is_kept(name) || policy == RemovedPolicy::Drop) {
            changes.push(Change::RemoveType { name: name.clone(), nodes: count_nodes(schema, name).await? });
        }
    }
    Ok(changes)
}

async fn removed_columns(
    schema: &Schema<'_>,
    catalogue: &Catalogue,
    model: &Model,
    policy: RemovedPolicy,
) -> Result<Vec<Change>, DbErr> {
    let mut changes = Vec::new();
    for recorded in
        catalogue.columns.iter().filter(|recorded| !model.columns().iter().any(|column| is_same(column, recorded)))
    {
        if recorded.is_kept && policy != RemovedPolicy::Drop {
            continue;
        }
        let is_present = catalogue.present.contains(&recorded.name);
        changes.push(Change::RemoveColumn {
            name: recorded.name.clone(),
            property: recorded.property.clone(),
            storage: recorded.storage.clone(),
            now: model
                .columns()
                .iter()
                .filter(|column| column.property == recorded.property)
                .map(|column| column.storage.as_str())
                .collect(),
            nodes: if is_present { count_values(schema, &recorded.name).await? } else { 0 },
        });
    }
    Ok(changes)
}

/// Columns that the model has, and kept ones that stand in their way.
fn present_columns(dialect: Dialect, catalogue: &Catalogue, model: &Model) -> Vec<Change> {
    let mut changes = Vec::new();
    for kept in catalogue.columns.iter().filter(|recorded| recorded.is_kept) {
        let is_wanted = model.columns().iter().any(|column| is_same(column, kept));
        if !is_wanted && is_name_taken(model, &kept.name) {
            changes.push(Change::RenameColumn {
                from: kept.name.clone(),
                to: kept_name(dialect, &kept.property, &kept.storage),
            });
        }
    }
    for column in model.columns() {
        match catalogue.columns.iter().find(|recorded| is_same(column, recorded)) {
            Some(recorded) if catalogue.present.contains(&recorded.name) => {
                if recorded.name != column.name {
                    changes.push(Change::RenameColumn { from: recorded.name.clone(), to: column.name.clone() });
                }
                if recorded.is_kept {
                    changes.push(Change::ReuseColumn { name: column.name.clone() });
                }
            }
            _ => changes.push(Change::AddColumn {
                name: column.name.clone(),
                property: column.property.clone(),
                storage: column.storage.as_str(),
            }),
        }
    }
    changes
}

/// Whether the model wants a column of this name; databases compare names without case.
pub(super) fn is_name_taken(model: &Model, name: &str) -> bool {
    model.columns().iter().any(|column| column.name.eq_ignore_ascii_case(name))
}

/// Name of a kept column whose own name another one has now. GraphQL reserves such names, so no property can collide.
pub(super) fn kept_name(dialect: Dialect, property: &str, storage: &str) -> String {
    fitted(dialect, format!("__kept_{property}_{storage}"))
}

/// A property may have several storage types; each is a column of its own.
fn is_same(column: &Column, recorded: &RecordedColumn) -> bool {
    column.property == recorded.property && column.storage.as_str() == recorded.storage
}

/// The indexes of columns that get another name or go are dropped; the database would carry them along under their old names.
fn indexes(dialect: Dialect, catalogue: &Catalogue, model: &Model, changes: &[Change]) -> Vec<Change> {
    let is_moving = |column: &str| {
        changes.iter().any(|change| match change {
            Change::RenameColumn { from, to } => from == column || to == column,
            Change::RemoveColumn { name, .. } => name == column,
            _ => false,
        })
    };
    let name_of = |column: &str| fitted(dialect, [INDEX_PREFIX, column].concat());
    let mut found = Vec::new();
    for entry in catalogue.entries.iter().filter(|entry| entry.kind == "index" && entry.name.starts_with(INDEX_PREFIX))
    {
        let is_of = |column: &Column| name_of(&column.name) == entry.name;
        let keeps = |column: &Column| column.is_indexed && is_of(column) && !is_moving(&column.name);
        if !model.columns().iter().any(keeps) {
            found.push(Change::DropIndex { name: entry.name.clone() });
        }
    }
    for column in model.columns().iter().filter(|column| column.is_indexed) {
        let name = name_of(&column.name);
        if is_moving(&column.name) || !catalogue.entries.iter().any(|entry| entry.name == name) {
            found.push(Change::AddIndex { name, column: column.name.clone() });
        }
    }
    found
}

fn changed_views(dialect: Dialect, catalogue: &Catalogue, model: &Model, is_disturbed: bool) -> Vec<Change> {
    let mut changes = Vec::new();
    let wanted = views(dialect, model, &catalogue.foreign_names());
    for recorded in &catalogue.types {
        if let Some(view) = &recorded.view
            && !wanted.iter().any(|wanted| wanted.ty == recorded.name)
        {
            changes.push(Change::DropView { view: view.clone() });
        }
    }
    for view in wanted {
        let recorded = catalogue.types.iter().find(|recorded| recorded.name == view.ty);
        let replaces = recorded.and_then(|recorded| recorded.view.clone());
        let is_as_wanted = replaces.as_ref() == Some(&view.name)
            && catalogue.text_of("view", &view.name) == from_name(&view.statement);
        if is_disturbed || !is_as_wanted {
            changes.push(Change::SetView { ty: view.ty, view: view.name, replaces, statement: view.statement });
        }
    }
    changes
}

fn from_name(statement: &Sql) -> Option<&str> {
    statement.text().strip_prefix("create view ")
}
