//! Objects of nodes on their way to JSON, which the database writes, or this process from rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::dialect;
use crate::sql::{Dialect, Rows, Sql};

/// The object of a node, and the columns of the node that it reads.
#[derive(Debug, Clone)]
pub struct NodeObject<'a> {
    /// Over the node's alias.
    pub form: Form<'a>,
    /// Columns besides the node's number.
    pub columns: BTreeSet<String>,
}

/// What is known of an object.
#[derive(Debug, Clone)]
pub enum Form<'a> {
    /// Its members, by response key: of every node the same.
    Members(Vec<(&'a str, Sql)>),
    /// An expression that gives its JSON.
    Json(Sql),
}

/// The object of a root field's node.
#[derive(Debug, Clone)]
pub struct RootObject {
    /// How it is written.
    pub form: RootForm,
    /// Columns besides the node's number.
    pub columns: Arc<BTreeSet<String>>,
}

/// How the object of a root field's node is written.
#[derive(Debug, Clone)]
pub enum RootForm {
    /// An expression over the node's alias.
    Json(Sql),
    /// Columns over the node's alias, whose rows are made JSON later.
    Row {
        /// Names of the members, in the order of the columns.
        members: Arc<[Box<str>]>,
        /// With commas between them.
        columns: Sql,
        /// Whether they are of the node alone.
        is_flat: bool,
    },
}

impl Form<'_> {
    /// An expression that gives its JSON.
    pub fn json(self, dialect: Dialect) -> Sql {
        match self {
            Self::Members(members) => dialect.object(members),
            Self::Json(json) => json,
        }
    }

    /// The beginning of a `select` of a row that the database makes JSON as a whole.
    ///
    /// # Errors
    /// The form as it was, if it cannot be a row.
    pub fn row(self, dialect: Dialect) -> Result<Sql, Self> {
        match self {
            Self::Members(members) if dialect.has_rows(&members) => {
                let columns = members.into_iter().map(|(key, mut value)| {
                    value.push(" as ").ident(key);
                    value
                });
                let mut sql = Sql::new("select ");
                sql.join(", ", columns);
                Ok(sql)
            }
            form => Err(form),
        }
    }

    fn root(self, dialect: Dialect, is_flat: bool) -> RootForm {
        match self {
            Self::Members(members) if dialect == Dialect::Postgres && !members.is_empty() => {
                let names = members.iter().map(|(name, _)| Box::from(*name)).collect();
                let mut columns = Sql::default();
                columns.join(", ", members.into_iter().map(|(_, value)| value));
                RootForm::Row { members: names, columns, is_flat }
            }
            form => RootForm::Json(form.json(dialect)),
        }
    }
}

impl NodeObject<'_> {
    /// On PostgreSQL, a row where all nodes have the same members: that takes a quarter of the time.
    pub fn root(self, dialect: Dialect, is_flat: bool) -> RootObject {
        RootObject { form: self.form.root(dialect, is_flat), columns: Arc::new(self.columns) }
    }
}

impl RootObject {
    /// Bytes of its text.
    pub fn size(&self) -> usize {
        match &self.form {
            RootForm::Json(sql) | RootForm::Row { columns: sql, .. } => sql.text().len(),
        }
    }

    /// `select` of the object, to be followed by ` from` one row of the node, and how that row becomes JSON.
    pub fn select_one(self, dialect: Dialect) -> (Sql, Option<Rows>) {
        let mut sql = Sql::new("select ");
        match self.form {
            RootForm::Json(json) => {
                sql.append(dialect.answer(json));
                (sql, None)
            }
            RootForm::Row { members, columns, .. } => {
                sql.append(columns);
                (sql, Some(Rows { members, is_list: false }))
            }
        }
    }
}

impl Dialect {
    /// Whether an object with these members can be made of a row.
    fn has_rows(self, members: &[(&str, Sql)]) -> bool {
        self == Self::Postgres && !members.is_empty() && members.iter().all(|(key, _)| key.len() <= dialect::NAME_MAX)
    }
}
