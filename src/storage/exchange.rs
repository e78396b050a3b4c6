//! Connections of their own for export and import, beside those of a server: a snapshot that is read as a stream, and batches of writes
//! between which others write.

use super::error::{Error, OpenError};
use super::search::Found;
use super::settings::Settings;
use super::{postgres, sqlite};
use crate::model::Column;
use crate::sql::{Parameter, Sql};

/// The database as it is at one moment, for as long as this lives.
#[derive(Debug)]
pub struct Exporter(OneExporter);

#[derive(Debug)]
enum OneExporter {
    Sqlite(sqlite::Exporter),
    Postgres(postgres::Exporter),
}

/// Writes in batches. A batch that is not committed is undone.
#[derive(Debug)]
pub struct Importer(OneImporter);

#[derive(Debug)]
enum OneImporter {
    Sqlite(sqlite::Importer),
    Postgres(postgres::Importer),
}

/// A node to be added.
#[derive(Debug)]
pub struct NewNode<'a> {
    /// Its object type.
    pub ty: &'a str,
    /// Its key.
    pub key: String,
    /// Each column once; the others are NULL.
    pub values: Vec<(&'a Column, Parameter)>,
    /// What it is found by; empty if it has no row in the full-text index.
    pub found: Vec<Found<'a>>,
}

/// A relation to be added.
#[derive(Debug)]
pub struct NewRelation {
    /// Its stored name.
    pub name: String,
    /// Type and key of the source.
    pub from: [String; 2],
    /// Type and key of the target.
    pub to: [String; 2],
}

/// Why not all of a list was added.
#[derive(Debug)]
pub enum NotAdded {
    /// Those before this position were, within the batch.
    At(usize, Rejection),
    /// The batch is lost.
    Database(Error),
}

/// Why one node or relation cannot be added.
#[derive(Debug)]
pub enum Rejection {
    /// There is a node of this type with this key.
    Exists,
    /// A node that the relation names is not there.
    NoEnd,
    /// What the database cannot hold; the text says what to change.
    Refused(String),
}

impl From<Error> for NotAdded {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl Rejection {
    /// `None` if the error concerns more than one node or relation.
    pub(super) fn of(error: &Error) -> Option<Self> {
        match error {
            Error::Conflict => Some(Self::Exists),
            Error::Refused(reason) => Some(Self::Refused(reason.clone())),
            _ => None,
        }
    }
}

impl Exporter {
    /// Of a database that was opened before, and fits.
    ///
    /// # Errors
    ///
    /// The address cannot be read, or the database not opened.
    pub async fn open(settings: &Settings) -> Result<Self, OpenError> {
        Ok(Self(if postgres::is_address(&settings.url) {
            OneExporter::Postgres(postgres::Exporter::open(settings).await?)
        } else {
            OneExporter::Sqlite(sqlite::Exporter::open(settings)?)
        }))
    }

    /// Hands over one row after the other, as they come. On SQLite it blocks its thread.
    ///
    /// # Errors
    ///
    /// The database's, and those of `take`.
    pub async fn each<E: From<Error>>(
        &self,
        statement: Sql,
        take: impl FnMut(Vec<Parameter>) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.0 {
            OneExporter::Sqlite(exporter) => exporter.each(statement, take),
            OneExporter::Postgres(exporter) => exporter.each(&statement, take).await,
        }
    }
}

impl Importer {
    /// Of a database that was opened before, and fits.
    ///
    /// # Errors
    ///
    /// The address cannot be read, or the database not opened.
    pub async fn open(settings: &Settings) -> Result<Self, OpenError> {
        Ok(Self(if postgres::is_address(&settings.url) {
            OneImporter::Postgres(postgres::Importer::open(settings).await?)
        } else {
            OneImporter::Sqlite(sqlite::Importer::open(settings)?)
        }))
    }

    /// All rows of a statement, outside of a batch.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn rows(&self, statement: Sql) -> Result<Vec<Vec<Parameter>>, Error> {
        match &self.0 {
            OneImporter::Sqlite(importer) => importer.rows(statement),
            OneImporter::Postgres(importer) => importer.rows(&statement).await,
        }
    }

    /// Begins a batch.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if others write all the time; the database's.
    pub async fn begin(&self) -> Result<(), Error> {
        match &self.0 {
            OneImporter::Sqlite(importer) => importer.begin(),
            OneImporter::Postgres(importer) => importer.begin().await,
        }
    }

    /// Adds nodes in this order, with their rows in the full-text index.
    ///
    /// # Errors
    ///
    /// The first that cannot be added; the database's.
    pub async fn add_nodes(&self, nodes: &[NewNode<'_>]) -> Result<(), NotAdded> {
        match &self.0 {
            OneImporter::Sqlite(importer) => importer.add_nodes(nodes),
            OneImporter::Postgres(importer) => importer.add_nodes(nodes).await,
        }
    }

    /// Adds relations in this order.
    ///
    /// # Errors
    ///
    /// The first that cannot be added; the database's.
    pub async fn add_relations(&self, relations: &[NewRelation]) -> Result<(), NotAdded> {
        match &self.0 {
            OneImporter::Sqlite(importer) => importer.add_relations(relations),
            OneImporter::Postgres(importer) => importer.add_relations(relations).await,
        }
    }

    /// Runs a statement within a batch. Returns how many rows it wrote.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn run(&self, statement: Sql) -> Result<u64, Error> {
        match &self.0 {
            OneImporter::Sqlite(importer) => importer.run(statement),
            OneImporter::Postgres(importer) => importer.run(&statement).await,
        }
    }

    /// Ends a batch: it is on the disk.
    ///
    /// # Errors
    ///
    /// The database's; nothing of the batch is kept then.
    pub async fn commit(&self) -> Result<(), Error> {
        match &self.0 {
            OneImporter::Sqlite(importer) => importer.commit(),
            OneImporter::Postgres(importer) => importer.commit().await,
        }
    }

    /// Ends a batch: nothing of it is kept.
    ///
    /// # Errors
    ///
    /// The database's; nothing is kept then either.
    pub async fn rollback(&self) -> Result<(), Error> {
        match &self.0 {
            OneImporter::Sqlite(importer) => importer.rollback(),
            OneImporter::Postgres(importer) => importer.rollback().await,
        }
    }
}
