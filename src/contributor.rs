//! What is the Contributor Environment's own and no feature of every schema. Knows its types by name; the schema files say what they hold.

mod request;
mod subscriptions;

pub use subscriptions::subscription;

use crate::plan::mutation::Change;
use crate::plan::{Error, RootField, Source};

/// Plans a mutation that `@resolver(name:)` declares. `new_key` makes keys for nodes.
///
/// # Errors
/// Values that cannot be used; a name that nothing answers.
pub fn mutation<'a>(
    source: Source<'a>,
    resolver: &str,
    root: &RootField<'a>,
    new_key: fn() -> String,
) -> Result<Change<'a>, Error> {
    match resolver {
        "RequestControlAction" => request::plan(source, root, new_key),
        _ => Err(Error::NotImplemented(resolver.to_owned())),
    }
}
