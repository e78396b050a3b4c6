//! Whether the tables still fit the model: another process may have changed them since the start.
//!
//! More columns than the model has are no harm: a newer server that is started beside this one adds some.

use std::sync::{Mutex, PoisonError};

use super::{Error, Storage};
use crate::model::Model;
use crate::sql::Sql;

/// What a model needs of the tables.
#[derive(Debug)]
pub struct Fit {
    /// `NAME STORAGE` of each column.
    columns: Vec<String>,
    /// Of the schema that was found to fit last.
    hash: Mutex<Option<String>>,
}

impl Fit {
    /// What this model needs.
    pub fn new(model: &Model) -> Self {
        let columns = model.columns().iter().map(|column| [&*column.name, " ", column.storage.as_str()].concat());
        Self { columns: columns.collect(), hash: Mutex::default() }
    }

    /// Whether it is there. One row is read, unless the tables were changed since.
    ///
    /// # Errors
    ///
    /// As reads.
    pub async fn holds(&self, storage: &Storage) -> Result<bool, Error> {
        let statement = Sql::new("select hash from clef_schema order by id desc limit 1");
        let hash = storage.read(statement).await?;
        if hash.is_some() && *self.hash.lock().unwrap_or_else(PoisonError::into_inner) == hash {
            return Ok(true);
        }
        let mut statement = Sql::new("select cast(count(*) as text) from clef_column where is_kept = 0");
        statement.push(" and name || ' ' || storage in ").literal_list(self.columns.iter().map(String::as_str));
        let fits = hash.is_some()
            && (self.columns.is_empty() || storage.read(statement).await? == Some(self.columns.len().to_string()));
        *self.hash.lock().unwrap_or_else(PoisonError::into_inner) = hash.filter(|_| fits);
        Ok(fits)
    }
}
