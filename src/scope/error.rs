//! What can be wrong with a scope or a glob, and why a requested glob is not granted.

/// Why a text is not a scope, not a glob, or a set of globs is not compiled. Texts quote their input shortened and
/// with control characters escaped; they may be shown to clients.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A concrete scope was expected.
    #[error("`{text}` is not an operation, a type and an action such as `Mutation:Person:Create`")]
    NotAScope {
        /// Shortened.
        text: String,
    },
    /// The empty string.
    #[error("an empty scope grants nothing: leave it out")]
    Empty,
    /// More bytes than a glob may have.
    #[error("a scope of {bytes} bytes is too long: write at most {bytes_max}")]
    TooLong {
        /// As given.
        bytes: usize,
        /// Largest allowed.
        bytes_max: usize,
    },
    /// `!…`
    #[error("`{pattern}` starts with `!`, but there is no negation: list what is allowed")]
    Negation {
        /// As given.
        pattern: String,
    },
    /// `?(…)`, `*(…)` and `!(…)`; `@(…)` and `+(…)` of more than names, or where more than names and colons are beside them.
    #[error("`{opening}` in `{pattern}` is not supported here: write `{{a,b}}` for one of several, and no negation")]
    ExtGlob {
        /// As given.
        pattern: String,
        /// The two characters found, such as `@(`.
        opening: String,
    },
    /// `(…)`
    #[error("the parenthesis in `{pattern}` is not supported: write `{{a,b}}` for one of several")]
    Parenthesis {
        /// As given.
        pattern: String,
    },
    /// `a|b`
    #[error("the `|` in `{pattern}` is not supported: write `{{a,b}}` for one of several")]
    Bar {
        /// As given.
        pattern: String,
    },
    /// `[!x]` and `[^x]`; micromatch 4.0.2 reads the first as "`!` or `x`".
    #[error("`[{mark}` in `{pattern}` is not supported: list the characters that are allowed, as in `[a-z]`")]
    NegatedClass {
        /// As given.
        pattern: String,
        /// `!` or `^`.
        mark: char,
    },
    /// `[[:alpha:]]`
    #[error("the named class in `{pattern}` is not supported: write a range such as `[a-z]`")]
    NamedClass {
        /// As given.
        pattern: String,
    },
    /// A class in another form than `[abc]` and `[a-z]`, such as `[a-c-e]`, `[z-a]` or `[a\]]`.
    #[error("the class `{class}` in `{pattern}` may be read in several ways: write it as `[abc]` or `[a-z]`")]
    OddClass {
        /// As given.
        pattern: String,
        /// From its `[` on.
        class: String,
    },
    /// `{a..z}`
    #[error("the range in braces in `{pattern}` is not supported: write `[a-z]` or list all, as in `{{a,b}}`")]
    BraceRange {
        /// As given.
        pattern: String,
    },
    /// `{a}`, which micromatch takes literally.
    #[error("the braces in `{pattern}` hold one alternative only: write it without braces")]
    OneAlternative {
        /// As given.
        pattern: String,
    },
    /// `{,a}`, whose empty side globset drops.
    #[error("the braces in `{pattern}` hold an empty alternative: write two scopes, with and without")]
    EmptyAlternative {
        /// As given.
        pattern: String,
    },
    /// `[`, `{`, `]` or `}` without its partner.
    #[error("the `{bracket}` in `{pattern}` has no partner: add it or write `\\{bracket}`")]
    Unbalanced {
        /// As given.
        pattern: String,
        /// The one that stands alone.
        bracket: char,
    },
    /// Braces within braces within braces.
    #[error("the braces in `{pattern}` are nested more than {depth_max} deep: write several scopes")]
    TooNested {
        /// As given.
        pattern: String,
        /// Largest allowed.
        depth_max: usize,
    },
    /// The braces multiply.
    #[error("the braces in `{pattern}` stand for more than {expansions_max} scopes: write several, or use `*`")]
    TooManyAlternatives {
        /// As given.
        pattern: String,
        /// Largest allowed.
        expansions_max: usize,
    },
    /// `\` at the end, or before a letter to which regular expressions give a meaning.
    #[error("the `\\` in `{pattern}` escapes nothing: put it before `*`, `?`, `[`, `]`, `{{`, `}}`, `,` or `\\` only")]
    OddEscape {
        /// As given.
        pattern: String,
    },
    /// `/`
    #[error("the `/` in `{pattern}` is not supported: parts are separated by `:`, and `*` covers several of them")]
    Slash {
        /// As given.
        pattern: String,
    },
    /// Whitespace or a control character.
    #[error("`{pattern}` holds a blank or a control character: remove it")]
    Blank {
        /// As given, control characters escaped.
        pattern: String,
    },
    /// Any other character that is in no scope.
    #[error("`{character}` in `{pattern}` is in no scope: write letters, digits, `_`, `:` and the wildcards")]
    Character {
        /// As given.
        pattern: String,
        /// The first one.
        character: String,
    },
    /// `Mutation` and the like, which covers no scope.
    #[error("`{pattern}` has one part and no wildcard, so it covers nothing: write `{pattern}:*`")]
    OnePart {
        /// As given.
        pattern: String,
    },
    /// `a:b:c:d`
    #[error("`{pattern}` has more than three parts: write `Operation:Type:Action`")]
    TooManyParts {
        /// As given.
        pattern: String,
    },
    /// The automaton of one glob, or those of a whole set, would be too large.
    #[error("`{pattern}` takes too much memory to decide: use fewer `*` and `?`, or fewer scopes")]
    TooLarge {
        /// The first that does not fit.
        pattern: String,
    },
    /// More globs than a set may have.
    #[error("{patterns} scopes are too many: list at most {patterns_max}")]
    TooManyPatterns {
        /// As given.
        patterns: usize,
        /// Largest allowed.
        patterns_max: usize,
    },
}

/// A glob covers scopes which a set does not, or may do so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Escalation {
    /// Proved.
    #[error("`{requested}` would also allow `{counter_example}`")]
    Exceeds {
        /// The glob asked for.
        requested: String,
        /// Matched by the glob, not by the set; none is shorter, as a rule. It need not be a scope of any schema.
        counter_example: String,
    },
    /// Neither proved nor disproved within the bounds, hence refused.
    #[error("`{requested}` is too complex to compare with what is allowed: ask for several simpler scopes")]
    Undecided {
        /// The glob asked for.
        requested: String,
    },
}

/// Why requested globs are not granted: the first that offends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not a glob, or not one of those supported.
    #[error("the requested scope is malformed")]
    Malformed {
        /// Shortened.
        requested: String,
        /// What to change.
        #[source]
        reason: Error,
    },
    /// It covers more than is allowed.
    #[error("`{requested}` would also allow `{counter_example}`")]
    NotContained {
        /// The glob asked for.
        requested: String,
        /// From the given universe if it holds one, else the shortest there is.
        counter_example: String,
    },
    /// Neither proved nor disproved within the bounds.
    #[error("`{requested}` is too complex to compare with what is allowed: ask for several simpler scopes")]
    Undecided {
        /// The glob asked for.
        requested: String,
    },
    /// More globs than a set may have.
    #[error("{patterns} scopes are too many: request at most {patterns_max}")]
    TooMany {
        /// As given.
        patterns: usize,
        /// Largest allowed.
        patterns_max: usize,
    },
}

impl From<Escalation> for Refusal {
    fn from(escalation: Escalation) -> Self {
        match escalation {
            Escalation::Exceeds { requested, counter_example } => Self::NotContained { requested, counter_example },
            Escalation::Undecided { requested } => Self::Undecided { requested },
        }
    }
}

/// The text as it may stand in a message or log line: at most 256 characters, control characters escaped.
pub(super) fn excerpt(text: &str) -> String {
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        match character {
            _ if count == 256 => {
                shown.push('…');
                break;
            }
            '\\' | '"' | '\'' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}
