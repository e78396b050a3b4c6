//! Words as full-text search compares them: small letters, without diacritics, and what each script takes for a word. Knows no index.
//!
//! The folded text of an index is cut at blanks and nowhere else, so that what is a word is decided here alone.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Number of these rules. An index that was made by other rules is made anew.
pub const RULES: u32 = 1;

/// What stands between two characters that are no word: the tokens of one word, in order. Scripts that write without blanks give
/// several, one for each character.
pub type Word = Vec<String>;

/// The tokens of a text, with a blank between them.
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut add = |token: &str, _| {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(token);
    };
    for_each_token(text, &mut add);
    folded
}

/// The words of a text, in order.
pub fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for_each_token(text, &mut |token: &str, starts| match words.last_mut() {
        Some(word) if !starts => word.push(token.to_owned()),
        _ => words.push(vec![token.to_owned()]),
    });
    words
}

/// Whether a token comes from a script without blanks between words, so that words of it have to be looked for by their places.
pub fn is_unspaced(token: &str) -> bool {
    token.chars().next().is_some_and(has_no_blanks)
}

/// Calls `add` with each token and whether a word begins with it.
fn for_each_token(text: &str, add: &mut impl FnMut(&str, bool)) {
    let (mut token, mut starts) = (String::new(), true);
    let mut see = |character: char| {
        if !is_in_word(character) {
            end(&mut token, &mut starts, add);
            starts = true;
            return;
        }
        let is_alone = has_no_blanks(character) && !is_combining_mark(character);
        if is_alone || (!is_combining_mark(character) && is_unspaced(&token)) {
            end(&mut token, &mut starts, add);
        }
        token.push(character);
    };
    if text.is_ascii() {
        text.chars().map(|character| character.to_ascii_lowercase()).for_each(&mut see);
    } else {
        let small = text.nfkd().flat_map(char::to_lowercase).nfkd().filter(|character| !is_left_out(*character));
        let mut letters = String::with_capacity(text.len());
        for character in small {
            match plain_letter(character) {
                Some(letter) => letters.push_str(letter),
                None => letters.push(character),
            }
        }
        letters.nfc().for_each(&mut see);
    }
    see(' ');
}

fn end(token: &mut String, starts: &mut bool, add: &mut impl FnMut(&str, bool)) {
    if !token.is_empty() {
        add(token, *starts);
        token.clear();
        *starts = false;
    }
}

fn is_in_word(character: char) -> bool {
    character.is_alphanumeric() || is_combining_mark(character)
}

/// Accents, vowel points and invisible joiners. Vowel signs of Indic and Thai letters and the voicing marks of kana make another word and stay.
fn is_left_out(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{640}'
        | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{ad}' | '\u{200b}'..='\u{200f}'
        | '\u{2060}' | '\u{feff}')
}

/// Letters that Unicode does not decompose, after those that Lucene's `ASCIIFoldingFilter` maps.
fn plain_letter(character: char) -> Option<&'static str> {
    Some(match character {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' | 'ɖ' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ı' | 'ɨ' => "i",
        'ŋ' => "n",
        'ŧ' => "t",
        'ƒ' => "f",
        'ə' | 'ǝ' => "e",
        'ς' => "σ",
        _ => return None,
    })
}

/// Scripts without blanks between words: Han, kana, Bopomofo, Thai, Lao, Tibetan, Myanmar, Khmer.
fn has_no_blanks(character: char) -> bool {
    matches!(character,
        '\u{e00}'..='\u{fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{2fdf}'
        | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3031}'..='\u{312f}' | '\u{31a0}'..='\u{31bf}'
        | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{folded, words};

    #[test]
    fn letters_lose_case_and_diacritics() {
        for (text, expected) in [
            ("Gustav MAHLER", "gustav mahler"),
            ("Dvořák, Antonín", "dvorak antonin"),
            ("Große Fuge · STRAẞE", "grosse fuge strasse"),
            ("Łódź; Ørsted; Þórr; Æsir; Œuvre; Đorđe", "lodz orsted thorr aesir oeuvre dorde"),
            ("İstanbul Işık", "istanbul isik"),
            ("Чайковский Ёлка", "чаиковскии елка"),
            ("Μίκης Θεοδωράκης", "μικησ θεοδωρακησ"),
            ("שָׁלוֹם", "שלום"),
            ("مُوسِيقَى", "موسيقى"),
            ("Ｂｅｅｔｈｏｖｅｎ ﬁnale op.②", "beethoven finale op 2"),
            ("L'Orfeo (1607)—atto II", "l orfeo 1607 atto ii"),
            ("संगीत", "संगीत"),
            ("한국 음악", "한국 음악"),
            ("***", ""),
        ] {
            assert_eq!(folded(text), expected, "{text}");
        }
    }

    #[test]
    fn a_composed_and_a_decomposed_letter_are_the_same() {
        assert_eq!(folded("Dvo\u{159}\u{e1}k"), folded("Dvor\u{30c}a\u{301}k"));
        assert_eq!(folded("が"), folded("か\u{3099}"));
    }

    #[test]
    fn scripts_without_blanks_give_a_token_for_each_character() {
        assert_eq!(folded("第五交响曲 Op.67"), "第 五 交 响 曲 op 67");
        assert_eq!(words("ベートーヴェンop"), [["ベ", "ー", "ト", "ー", "ヴ", "ェ", "ン", "op"]]);
        assert_eq!(words("交响 曲"), vec![vec!["交", "响"], vec!["曲"]]);
        assert_eq!(folded("ดนตรี"), "ด น ต รี");
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing_and_leaves_nothing_to_quote(text in any::<String>()) {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once.clone());
            prop_assert!(!once.contains(['"', '\'', '*', '(', ')', ':', '^', '\0', '-', '+']));
            prop_assert_eq!(words(&text).concat().join(" "), once);
        }
    }
}
