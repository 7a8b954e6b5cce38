//! Naming the encoding, or the format, of a file that is not UTF-8, so that the message can say how to convert it.

use crate::diagnostic::{Code, Diagnostic};

/// An encoding with code units of more than one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wide {
    Utf16Le,
    Utf16Be,
    Utf32Le,
    Utf32Be,
}

impl Wide {
    /// Returns the encoding of a text by its first four bytes: a byte order mark, or an ASCII character, with which
    /// every JSON, Cedar and TOML text begins.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match *head {
            [0xff, 0xfe, 0, 0, ..] => Some(Wide::Utf32Le),
            [0, 0, 0xfe, 0xff, ..] => Some(Wide::Utf32Be),
            [0xff, 0xfe, ..] => Some(Wide::Utf16Le),
            [0xfe, 0xff, ..] => Some(Wide::Utf16Be),
            [0, 0, 0, 1..=255, ..] => Some(Wide::Utf32Be),
            [1..=255, 0, 0, 0, ..] => Some(Wide::Utf32Le),
            [0, 1..=255, ..] => Some(Wide::Utf16Be),
            [1..=255, 0, ..] => Some(Wide::Utf16Le),
            _ => None,
        }
    }

    /// Returns the error for a file in this encoding.
    pub(super) fn refused(self, name: &str) -> Diagnostic {
        let (encoding, order) = match self {
            Wide::Utf16Le => ("UTF-16", "little-endian"),
            Wide::Utf16Be => ("UTF-16", "big-endian"),
            Wide::Utf32Le => ("UTF-32", "little-endian"),
            Wide::Utf32Be => ("UTF-32", "big-endian"),
        };
        let short = if order.starts_with('l') { "LE" } else { "BE" };
        let message = format!("`{name}` is {encoding} ({order}), not UTF-8");
        Diagnostic::error(Code::NotUtf8, message).help(converted(&format!("{encoding}{short}")))
    }
}

fn converted(encoding: &str) -> String {
    format!("save the file as UTF-8, or convert it: iconv -f {encoding} -t UTF-8")
}

/// The first bytes of files that are not text.
const FORMATS: [(&[u8], &str); 8] = [
    (&[0x1f, 0x8b], "compressed (gzip)"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "compressed (zstd)"),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], "compressed (xz)"),
    (b"BZh", "compressed (bzip2)"),
    (&[0x04, 0x22, 0x4d, 0x18], "compressed (lz4)"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"%PDF-", "a PDF document"),
];

/// Returns the error for bytes that are not UTF-8. `lines` of a larger file come before them.
///
/// The message has no excerpt: which values are secret is not known yet.
pub(super) fn not_utf8(name: &str, bytes: &[u8], lines: usize) -> Diagnostic {
    if let Some((_, format)) = FORMATS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        let error = Diagnostic::error(Code::NotUtf8, format!("`{name}` is {format}, not a text"));
        return error.help("decompress it first; only snapshots may be compressed, with gzip or zstd");
    }
    let at = std::str::from_utf8(bytes).err().map_or(bytes.len(), |error| error.valid_up_to());
    let before = String::from_utf8_lossy(bytes.get(..at).unwrap_or_default());
    let byte = bytes.get(at).copied().unwrap_or_default();
    let line = lines + before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let place = format!("`{name}` is not UTF-8: byte 0x{byte:02X} in line {line}, column {column}");
    if is_single_byte(bytes) {
        let message = format!("{place}; it may be Latin-1 or Windows-1252");
        return Diagnostic::error(Code::NotUtf8, message).help(converted("WINDOWS-1252"));
    }
    Diagnostic::error(Code::NotUtf8, place).help("save the file as UTF-8")
}

/// Returns whether a text may have an encoding of one byte for each character: no part of it is UTF-8 beyond ASCII, and
/// no character is a control character.
fn is_single_byte(bytes: &[u8]) -> bool {
    bytes.utf8_chunks().all(|chunk| {
        let text = |c: char| c.is_ascii() && (!c.is_ascii_control() || c.is_ascii_whitespace());
        chunk.valid().chars().all(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_encodings_are_known_by_their_first_bytes() {
        use Wide::{Utf16Be, Utf16Le, Utf32Be, Utf32Le};
        let units = |text: &str, wide: Wide| -> Vec<u8> {
            let short = text.encode_utf16();
            match wide {
                Utf16Le => short.flat_map(u16::to_le_bytes).collect(),
                Utf16Be => short.flat_map(u16::to_be_bytes).collect(),
                Utf32Le => text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
                Utf32Be => text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
            }
        };
        for wide in [Utf16Le, Utf16Be, Utf32Le, Utf32Be] {
            for text in ["{}", "\u{feff}{}", "\u{feff}", "\"あ\"", "{", "\n\n"] {
                let bytes = units(text, wide);
                assert_eq!(Wide::of(&bytes[..bytes.len().min(4)]), Some(wide), "{text:?}");
            }
        }
        for text in [&b"{}"[..], b"", b"{", "\u{feff}{}".as_bytes(), b"\0\0\0\0", "ä".as_bytes(), b"\xff", b"\xfe"] {
            assert_eq!(Wide::of(text), None, "{text:?}");
        }
    }

    #[test]
    fn one_byte_for_each_character_is_named_only_where_it_is_likely() {
        let message = |bytes: &[u8]| not_utf8("x", bytes, 0).message;
        assert!(
            message(b"{\"a\": \"caf\xe9\"}").ends_with("0xE9 in line 1, column 11; it may be Latin-1 or Windows-1252")
        );
        assert!(message(b"\"\x93quoted\x94\"").contains("Windows-1252"));
        assert!(message(b"\n\"\xc3\xa4\xff\"").ends_with("byte 0xFF in line 2, column 3"));
        assert!(!message(b"\x01\xff").contains("Latin"));
        assert_eq!(message(b"PK\x03\x04\xff"), "`x` is a ZIP archive, not a text");
    }
}
