//! A concrete scope: operation, type and action of one field. Knows no globs.

use std::fmt;
use std::str::FromStr;

use super::error::{Error, excerpt};

/// The first part of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// `Mutation`
    Mutation,
    /// `Query`
    Query,
    /// `Subscription`
    Subscription,
}

impl Operation {
    /// As it is written in a scope, which is also the name of GraphQL's root type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mutation => "Mutation",
            Self::Query => "Query",
            Self::Subscription => "Subscription",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Mutation, Self::Query, Self::Subscription].into_iter().find(|operation| operation.as_str() == text)
    }
}

/// `Operation:Type:Action`, for example `Mutation:Person:Create`; type and action are GraphQL names.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    text: Box<str>,
}

impl Scope {
    /// # Errors
    ///
    /// [`Error::NotAScope`] if type or action is not a GraphQL name.
    pub fn new(operation: Operation, type_name: &str, action: &str) -> Result<Self, Error> {
        format!("{}:{type_name}:{action}", operation.as_str()).parse()
    }

    /// The whole scope.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parts: operation, type and action.
    pub fn parts(&self) -> (&str, &str, &str) {
        // FromStr lets no scope through that has not exactly two colons.
        let (operation, rest) = self.text.split_once(':').unwrap_or_default();
        let (type_name, action) = rest.split_once(':').unwrap_or_default();
        (operation, type_name, action)
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.split(':');
        let is_scope = parts.next().and_then(Operation::parse).is_some()
            && parts.next().is_some_and(is_name)
            && parts.next().is_some_and(is_name)
            && parts.next().is_none();
        if is_scope { Ok(Self { text: text.into() }) } else { Err(Error::NotAScope { text: excerpt(text) }) }
    }
}

/// GraphQL specification of October 2021, section 2.1.9.
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl AsRef<str> for Scope {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Scope({:?})", &self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Operation, Scope};

    #[test]
    fn a_scope_has_an_operation_a_type_and_an_action() {
        let scope = Scope::new(Operation::Mutation, "Person", "Create").ok();
        assert_eq!(scope.as_ref().map(Scope::as_str), Some("Mutation:Person:Create"));
        assert_eq!(scope.as_ref().map(Scope::parts), Some(("Mutation", "Person", "Create")));
    }

    #[test]
    fn what_is_no_operation_type_and_action_is_no_scope() {
        for text in [
            "",
            "Mutation",
            "Mutation:Person",
            "Mutation:Person:Create:Extra",
            "mutation:Person:Create",
            "Mutation::Create",
            "Mutation:Person:",
            "Mutation:1Person:Create",
            "Mutation:*:Create",
            "Mutation:Person:Create\n",
            " Mutation:Person:Create",
            "Mutation:Pérson:Create",
        ] {
            let message = text.parse::<Scope>().err().map(|error| error.to_string()).unwrap_or_default();
            assert!(message.contains("is not an operation, a type and an action"), "{text:?}: {message}");
        }
    }
}
