//! A place in a text that is read from left to right. Knows nothing of dates.

/// What is left to read. Methods that return nothing or `false` have read nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads `expected`, an ASCII character, in upper or lower case.
    pub(super) fn letter(&mut self, expected: char) -> bool {
        self.char_that(|found| found.eq_ignore_ascii_case(&expected))
    }

    /// Reads exactly `expected`.
    pub(super) fn char(&mut self, expected: char) -> bool {
        self.char_that(|found| found == expected)
    }

    fn char_that(&mut self, accepts: impl Fn(char) -> bool) -> bool {
        let mut chars = self.rest.chars();
        let is_accepted = chars.next().is_some_and(accepts);
        if is_accepted {
            self.rest = chars.as_str();
        }
        is_accepted
    }

    /// Reads `+` as 1 and `-` as -1.
    pub(super) fn sign(&mut self) -> Option<i64> {
        if self.char('+') {
            Some(1)
        } else if self.char('-') {
            Some(-1)
        } else {
            None
        }
    }

    /// How many ASCII digits come next.
    pub(super) fn count_digits(&self) -> usize {
        self.rest.bytes().take_while(u8::is_ascii_digit).count()
    }

    /// Reads the next `count` characters as a number, if they are digits. Any digits that follow stay unread.
    pub(super) fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.rest.split_at_checked(count)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = digits.parse().ok()?;
        self.rest = rest;
        Some(number)
    }

    /// Reads all digits that come next as a number, if there are `first` to `last` of them.
    pub(super) fn digits_between(&mut self, first: usize, last: usize) -> Option<i64> {
        let count = self.count_digits();
        if (first..=last).contains(&count) { self.digits(count) } else { None }
    }
}
