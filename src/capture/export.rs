//! Files of a capture: their text, their digest and the time of their export.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::format::SourceFormat;
use crate::source::{Source, hexadecimal};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Arc;

/// The encoding of a file that has no mark of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TextEncoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// Windows-1252, which every sequence of bytes is. So it is never guessed.
    Windows1252,
}

/// The source of the time of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dating {
    /// Only the last change of the file.
    Change,
    /// The user, for all files that do not state a time of their own.
    All,
    /// The user, for this file.
    File,
}

/// A text of a file, with the digest of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The text.
    pub source: Arc<Source>,
    /// The path of the file without links, which is the same for all names of the file.
    pub file: PathBuf,
    /// SHA-256 of the bytes of the file, in hexadecimal.
    pub sha256: String,
    /// When it was exported, in milliseconds since 1970.
    pub captured_at: i64,
    /// The source of this time.
    pub dating: Dating,
    /// The period that a log has, if the user stated it.
    pub range: Option<(i64, i64)>,
}

/// Returns the text of some bytes, and their SHA-256 in hexadecimal. A byte order mark determines the encoding. YAML, TOML and
/// JSON with comments, which the ending of the name states, become derived JSON.
///
/// # Errors
/// When the bytes are not text in this encoding.
pub fn decode(name: &str, bytes: Vec<u8>, encoding: TextEncoding) -> Result<(Arc<Source>, String), Diagnostic> {
    const MARK: &[u8] = b"\xEF\xBB\xBF";
    let sha256 = hexadecimal(Sha256::digest(&bytes).as_slice());
    let (text, before) = match (&bytes[..], encoding) {
        ([0xff, 0xfe, rest @ ..], _) => (wide(name, rest, UTF_16LE)?, 0),
        ([0xfe, 0xff, rest @ ..], _) => (wide(name, rest, UTF_16BE)?, 0),
        (all, TextEncoding::Windows1252) if !all.starts_with(MARK) => {
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(all);
            (text.into_owned(), 0)
        }
        _ => {
            let before = if bytes.starts_with(MARK) { MARK.len() } else { 0 };
            let mut bytes = bytes;
            bytes.drain(..before);
            (String::from_utf8(bytes).map_err(|error| not_utf8(name, error.as_bytes()))?, before)
        }
    };
    if let Some(at) = text.find('\0') {
        let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        let error = Diagnostic::error(Code::CaptureSource, format!("`{name}` has a zero byte in line {line}"));
        return Err(error.help("export the file again as text; UTF-16 needs a byte order mark"));
    }
    let too_large =
        |_| Diagnostic::error(Code::CaptureSource, format!("`{name}` is larger than 4 GiB")).help("divide it");
    let source = Source::part(name, text, 0, before).map_err(too_large)?;
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match SourceFormat::of_ending(ending) {
        Some(format) => Ok((format.read(&source).map_err(too_large)?, sha256)),
        None => Ok((source, sha256)),
    }
}

fn wide(name: &str, bytes: &[u8], encoding: &'static Encoding) -> Result<String, Diagnostic> {
    let (text, has_errors) = encoding.decode_without_bom_handling(bytes);
    if has_errors || bytes.len() % 2 == 1 {
        let message = format!("`{name}` is not valid {}", encoding.name());
        let error = Diagnostic::error(Code::CaptureSource, message);
        return Err(error.help("export the file again: it may have been cut off"));
    }
    Ok(text.into_owned())
}

fn not_utf8(name: &str, bytes: &[u8]) -> Diagnostic {
    let at = std::str::from_utf8(bytes).err().map_or(bytes.len(), |error| error.valid_up_to());
    let before = String::from_utf8_lossy(bytes.get(..at).unwrap_or_default());
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let byte = bytes.get(at).copied().unwrap_or_default();
    let message = format!("`{name}` is not UTF-8: byte 0x{byte:02X} in line {line}, column {column}");
    let help = "save it as UTF-8, or pass --encoding windows-1252 if it is in that encoding; a compressed file must be unpacked";
    Diagnostic::error(Code::CaptureSource, message).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], encoding: TextEncoding) -> Result<String, String> {
        let read = decode("x.csv", bytes.to_vec(), encoding);
        read.map(|(source, _)| source.text().to_owned()).map_err(|error| error.message)
    }

    #[test]
    fn a_mark_determines_the_encoding() {
        let units = |text: &str, little: bool| -> Vec<u8> {
            let units = text.encode_utf16();
            units.flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
        };
        for encoding in [TextEncoding::Utf8, TextEncoding::Windows1252] {
            assert_eq!(text("\u{feff}é😀".as_bytes(), encoding).unwrap(), "é😀");
            assert_eq!(text(&units("\u{feff}é😀", true), encoding).unwrap(), "é😀");
            assert_eq!(text(&units("\u{feff}é😀", false), encoding).unwrap(), "é😀");
        }
        assert_eq!(text(b"caf\xe9 \x80", TextEncoding::Windows1252).unwrap(), "café €");
    }

    #[test]
    fn other_bytes_are_refused() {
        assert_eq!(
            text(b"a\ncaf\xe9", TextEncoding::Utf8).unwrap_err(),
            "`x.csv` is not UTF-8: byte 0xE9 in line 2, column 4"
        );
        assert!(text(b"\xff\xfea\0b", TextEncoding::Utf8).unwrap_err().contains("not valid UTF-16LE"));
        assert!(text(b"\xff\xfe\x00\xd8a\0", TextEncoding::Utf8).unwrap_err().contains("not valid UTF-16LE"));
        assert!(text(b"a\0b\0", TextEncoding::Utf8).unwrap_err().contains("zero byte"));
    }

    #[test]
    fn the_digest_is_that_of_the_file() {
        let bytes = b"\xef\xbb\xbfa".to_vec();
        let (source, sha256) = decode("x.csv", bytes, TextEncoding::Utf8).unwrap();
        assert_eq!((sha256, source.has_mark()), (source.sha256(), true));
    }
}
