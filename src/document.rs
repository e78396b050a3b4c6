//! Documents: a node with all that its type has, as JSON and as JSON-LD, by its identifier alone.
//!
//! Knows the model and the storage, nothing of HTTP. Where queries need scopes, a document needs those of the query that would read as much.

mod values;
mod json;
mod json_ld;
mod language;
mod scopes;

use std::sync::{Arc, OnceLock};

use crate::auth::{Access, Denial, PublicOperations};
use crate::model::{Model, TypeId};
use crate::plan::document;
use crate::sql::Sql;
use crate::storage::{self, Storage};
use crate::value::DateTime;
use scopes::needed_scopes;
use values::Values;

pub use language::{LanguageRange, is_wanted};

/// Finds nodes by their identifiers.
#[derive(Debug)]
pub struct Documents {
    model: Arc<Model>,
    storage: Storage,
    public: PublicOperations,
    bytes_max: usize,
    /// By the position of the type among all object types; made when first asked for.
    statements: Vec<(TypeId, OnceLock<Sql>)>,
}

/// A node as it was read.
#[derive(Debug)]
pub struct Document<'a> {
    model: &'a Model,
    ty: TypeId,
    values: Values,
}

/// Why there is no document.
#[derive(Debug)]
pub enum Refused {
    /// No node has this identifier, or none that the caller may read.
    NotFound,
    /// The caller needs these scopes.
    Denied {
        /// What the caller has not.
        missing: Vec<Arc<str>>,
        /// Of the first.
        denial: Denial,
    },
    /// The document is longer than answers may be.
    TooLong {
        /// How long they may be.
        bytes_max: usize,
    },
    /// The database did not answer.
    Storage(storage::Error),
}

impl From<storage::Error> for Refused {
    fn from(error: storage::Error) -> Self {
        Self::Storage(error)
    }
}

impl Documents {
    /// `bytes_max`: of a document, as of any answer.
    pub fn new(model: Arc<Model>, storage: Storage, public: PublicOperations, bytes_max: usize) -> Self {
        let statements = model.objects().map(|(id, _)| (id, OnceLock::new())).collect();
        Self { model, storage, public, bytes_max, statements }
    }

    /// Whether anybody may read everything.
    pub fn is_public(&self) -> bool {
        self.public.queries
    }

    /// Whether the server gives UUIDs to all nodes under one name, as the CE-API did, where other identifiers are a mistake.
    pub fn expects_uuids(&self) -> bool {
        self.model.objects().all(|(_, ty)| &*ty.key == "identifier")
    }

    /// The node with this identifier; of several, of different types, the oldest that the caller may read.
    ///
    /// # Errors
    /// Whatever stands in the way.
    pub async fn find(&self, key: &str, access: &Access) -> Result<Document<'_>, Refused> {
        if !self.public.queries
            && let Access::Anonymous | Access::Refused(_) = access
        {
            self.check_unknown(access)?;
        }
        let types =
            self.storage.read(document::types_of(&self.model, self.storage.dialect(), key)).await?.unwrap_or_default();
        let types: Vec<String> = serde_json::from_str(&types).unwrap_or_default();
        let known = types.iter().filter_map(|name| self.model.type_named(name));
        let readable = known.clone().find(|ty| self.may_know(*ty, access));
        let ty = readable.ok_or(Refused::NotFound)?;
        self.check(ty, access)?;
        let Some(text) = self.storage.read(self.statement(ty, key)).await? else {
            return Err(Refused::NotFound);
        };
        if text.len() > self.bytes_max {
            return Err(Refused::TooLong { bytes_max: self.bytes_max });
        }
        let values = Values::read(&text).ok_or(Refused::NotFound)?;
        Ok(Document { model: &self.model, ty, values })
    }

    /// Nobody without a token is told whether a node is there.
    fn check_unknown(&self, access: &Access) -> Result<(), Refused> {
        let scopes = self.model.objects().filter_map(|(id, _)| self.model.read_scope(id)).take(1);
        access.denied(scopes).map_or(Ok(()), |(denial, _)| Err(Refused::Denied { missing: Vec::new(), denial }))
    }

    /// Whether the caller may be told that a node of this type is there.
    fn may_know(&self, ty: TypeId, access: &Access) -> bool {
        self.public.queries || access.denied(self.model.read_scope(ty)).is_none()
    }

    fn check(&self, ty: TypeId, access: &Access) -> Result<(), Refused> {
        if self.public.queries {
            return Ok(());
        }
        let scopes = needed_scopes(&self.model, ty);
        access.denied(scopes).map_or(Ok(()), |(denial, missing)| Err(Refused::Denied { missing, denial }))
    }

    fn statement(&self, ty: TypeId, key: &str) -> Sql {
        let dialect = self.storage.dialect();
        let kept = self.statements.iter().find(|(known, _)| *known == ty);
        kept.map_or_else(
            || document::values(&self.model, dialect, ty, key),
            |(_, kept)| kept.get_or_init(|| document::values(&self.model, dialect, ty, "")).with_only_parameter(key),
        )
    }
}

impl Document<'_> {
    /// As JSON; related nodes are URLs below `base`.
    pub fn json(&self, base: &str) -> String {
        json::write(self.model, self.ty, &self.values, base)
    }

    /// As JSON-LD 1.1; identifiers are URLs below `base`.
    pub fn json_ld(&self, base: &str) -> String {
        json_ld::write(self.model, self.ty, &self.values, base)
    }

    /// The language of the node, if it has one.
    pub fn language(&self) -> Option<String> {
        let name = self.model.document(self.ty).language.as_ref()?;
        self.text(name)
    }

    /// When the node itself was last written to.
    pub fn modified(&self) -> Option<DateTime> {
        let name = self.model.document(self.ty).modified.as_ref()?;
        DateTime::from_stored(&self.text(name)?)
    }

    fn text(&self, name: &str) -> Option<String> {
        let position = self.model.document(self.ty).members.get_index_of(name)?;
        serde_json::from_str(self.values.get(position)?.get()).ok()
    }
}

/// The address of a node.
fn url(base: &str, key: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    /// All but the unreserved characters (RFC 3986, section 2.3).
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let mut url = String::with_capacity(base.len() + key.len() + 1);
    url.push_str(base);
    url.push('/');
    url.extend(utf8_percent_encode(key, RESERVED));
    url
}
