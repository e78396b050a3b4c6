//! What the database holds at present: recorded columns and types, our indexes and views, foreign names.

use sea_orm::DbErr;

use super::schema::Schema;
use crate::model::columns::system;
use crate::sql::Sql;

/// Indexes with this prefix follow the schema; all others are left alone.
pub(super) const INDEX_PREFIX: &str = "clef_property_";

/// The database as it is.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    /// Columns that follow a schema.
    pub(super) columns: Vec<RecordedColumn>,
    /// Names of all columns that `node` really has.
    pub(super) present: Vec<String>,
    /// Object types of the last schema, and kept ones.
    pub(super) types: Vec<RecordedType>,
    /// Types of nodes.
    pub(super) used_types: Vec<String>,
    /// Tables, indexes and views.
    pub(super) entries: Vec<Entry>,
}

/// A row of `clef_column`.
#[derive(Debug)]
pub(super) struct RecordedColumn {
    pub(super) name: String,
    pub(super) property: String,
    pub(super) storage: String,
    pub(super) is_kept: bool,
}

/// A row of `clef_type`.
#[derive(Debug)]
pub(super) struct RecordedType {
    pub(super) name: String,
    pub(super) view: Option<String>,
    pub(super) is_kept: bool,
}

/// A table, index or view.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kind: String,
    pub(super) name: String,
    /// The text that made it; `None` for indexes that come with a table.
    pub(super) text: Option<String>,
}

impl Catalogue {
    /// Reads all of it.
    pub(super) async fn read(schema: &Schema<'_>) -> Result<Self, DbErr> {
        let mut catalogue = Self { present: schema.columns().await?, ..Self::default() };
        let columns = Sql::new("select name, property, storage, is_kept from clef_column order by name");
        for row in schema.rows(columns).await? {
            catalogue.columns.push(RecordedColumn {
                name: row.try_get_by_index(0)?,
                property: row.try_get_by_index(1)?,
                storage: row.try_get_by_index(2)?,
                is_kept: row.try_get_by_index::<i64>(3)? != 0,
            });
        }
        for row in schema.rows(Sql::new("select name, view, is_kept from clef_type order by name")).await? {
            catalogue.types.push(RecordedType {
                name: row.try_get_by_index(0)?,
                view: row.try_get_by_index(1)?,
                is_kept: row.try_get_by_index::<i64>(2)? != 0,
            });
        }
        catalogue.used_types = schema.texts(used_types()).await?;
        catalogue.entries = schema.entries().await?;
        Ok(catalogue)
    }

    /// Names that a view of ours cannot have.
    pub(super) fn foreign_names(&self) -> Vec<String> {
        let ours = |name: &str| self.types.iter().any(|ty| ty.view.as_deref() == Some(name));
        self.entries.iter().filter(|entry| !ours(&entry.name)).map(|entry| entry.name.clone()).collect()
    }

    /// The text that made an entry, from its name on: SQLite writes what is before anew.
    pub(super) fn text_of(&self, kind: &str, name: &str) -> Option<&str> {
        let text = self.entries.iter().find(|entry| entry.kind == kind && entry.name == name)?.text.as_deref()?;
        text.get("create ".len() + kind.len()..).map(str::trim_start)
    }
}

/// Number of nodes that hold a value in a column.
pub(super) async fn count_values(schema: &Schema<'_>, column: &str) -> Result<i64, DbErr> {
    let mut sql = Sql::new("select count(*) from node where ");
    sql.ident(column).push(" is not null");
    schema.count(sql).await
}

/// Number of nodes of a type.
pub(super) async fn count_nodes(schema: &Schema<'_>, ty: &str) -> Result<i64, DbErr> {
    let mut sql = Sql::new("select count(*) from node where ");
    sql.ident(system::TYPE).push(" = ").bind(ty);
    schema.count(sql).await
}

/// Jumps from type to type in the index, which a plain `distinct` would read from end to end.
fn used_types() -> Sql {
    let mut sql = Sql::new("with recursive used (name) as (select min(");
    sql.ident(system::TYPE)
        .push(") from node union all select (select min(")
        .ident(system::TYPE)
        .push(") from node where ");
    sql.ident(system::TYPE)
        .push(" > used.name) from used where used.name is not null) select name from used where name is not null order by name");
    sql
}
