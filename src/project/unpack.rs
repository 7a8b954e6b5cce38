//! Opening files and standard input: compressed input is decompressed, and text in another encoding is named.
//!
//! The format follows from the first bytes, not from the file name. Damage is an error in words; a stream that ends
//! early, or that other data follows, is never read as a shorter one.

use super::encoding::Wide;
use super::{regular, unreadable};
use crate::diagnostic::Diagnostic;
use bytes::Bytes;
use flate2::bufread::GzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, FrameHeaderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::error::Error;
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

/// Bytes that are read ahead.
const AHEAD: usize = 1 << 18;

/// The number of bytes that determine a format.
const HEAD: usize = 4;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The magic number of skippable frames, after a first byte from 0x50 to 0x5f.
const SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

type Raw = Box<dyn Read + Send>;

/// A decompressed input.
pub(super) type Input = BufReader<Raw>;

/// Whether an input may be a pipe or a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Streams {
    /// It is read until its end.
    #[default]
    Read,
    /// It is an error: it may never end, and is read only once.
    Refuse,
}

/// Opens a file, or standard input for `-`, and decompresses it.
///
/// # Errors
/// When it cannot be opened, is a pipe or a device that is refused, or is not UTF-8 by its first bytes.
pub(super) fn open(path: &Path, name: &str, streams: Streams) -> Result<Input, Diagnostic> {
    let raw: Raw = match streams {
        Streams::Refuse => Box::new(open_file(path, name)?),
        Streams::Read if path == Path::new("-") => Box::new(io::stdin()),
        Streams::Read => Box::new(File::open(path).map_err(|error| unreadable(name, &error))?),
    };
    text(name, Peeked::new(raw).and_then(Peeked::decompressed))
}

/// Opens a regular file and does not decompress it.
///
/// # Errors
/// When it cannot be opened, is not a regular file, or is not UTF-8 by its first bytes.
pub(super) fn open_regular(path: &Path, name: &str) -> Result<Input, Diagnostic> {
    let file = open_file(path, name)?;
    text(name, Peeked::new(Box::new(file)))
}

fn text(name: &str, peeked: io::Result<Peeked>) -> Result<Input, Diagnostic> {
    let text = peeked.map_err(|error| unreadable(name, &error))?;
    match Wide::of(&text.head) {
        Some(wide) => Err(wide.refused(name)),
        None => Ok(text.into_input()),
    }
}

/// Opens a regular file, or a folder, which is refused where it is read. Pipes and devices are refused.
///
/// # Errors
/// When it cannot be opened, or is a pipe or a device.
pub(super) fn open_file(path: &Path, name: &str) -> Result<File, Diagnostic> {
    let found = |found: io::Result<Metadata>| found.map_err(|error| unreadable(name, &error));
    // The end of a pipe is not opened at all: that would be seen by its writer.
    regular(&found(path.metadata())?, name)?;
    let file = open_at_once(path).map_err(|error| unreadable(name, &error))?;
    // Another file may have the name by now.
    regular(&found(file.metadata())?, name)?;
    Ok(file)
}

/// Opens a file for reading. A pipe is opened at once too: it does not wait for a writer.
#[cfg(unix)]
fn open_at_once(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    File::options().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open_at_once(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Files of more bytes are read by two threads, each of which copies a half and takes its page faults.
const LARGE: u64 = 8 << 20;

/// Reads a large regular file that is not compressed. `None` if it is another one, or changes in the meantime.
#[cfg(unix)]
pub(super) fn read_large(path: &Path, most_bytes: usize) -> Option<Bytes> {
    use std::os::unix::fs::FileExt;
    let is_large = |found: &Metadata| found.is_file() && found.len() > LARGE;
    if path == Path::new("-") || !path.metadata().is_ok_and(|found| is_large(&found)) {
        return None;
    }
    let file = open_at_once(path).ok()?;
    let found = file.metadata().ok().filter(is_large)?;
    let length = usize::try_from(found.len()).ok().filter(|length| *length <= most_bytes)?;
    let mut bytes = vec![0; length];
    let (first, second) = bytes.split_at_mut(length / 2);
    let start = u64::try_from(first.len()).ok()?;
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| file.read_exact_at(first, 0));
        let second = file.read_exact_at(second, start);
        (first.join(), second)
    });
    let is_longer = file.read_at(&mut [0], found.len()).map_or(true, |more| more > 0);
    let is_packed = bytes.starts_with(&GZIP) || bytes.starts_with(&ZSTD) || bytes.get(..HEAD).is_some_and(is_skippable);
    (matches!(first, Ok(Ok(()))) && second.is_ok() && !is_longer && !is_packed).then(|| bytes.into())
}

#[cfg(not(unix))]
pub(super) fn read_large(_: &Path, _: usize) -> Option<Bytes> {
    None
}

/// An input whose first bytes are known.
struct Peeked {
    head: Vec<u8>,
    rest: Raw,
}

impl Peeked {
    /// Reads until the format is known: one read of a pipe may return less than the magic number.
    #[expect(
        clippy::indexing_slicing,
        reason = "the head is shorter than `HEAD` here, and a read returns at most the length of its buffer"
    )]
    fn new(mut rest: Raw) -> io::Result<Self> {
        let mut head = Vec::with_capacity(HEAD);
        while head.len() < HEAD && is_undecided(&head) {
            let mut more = [0; HEAD];
            match rest.read(&mut more[..HEAD - head.len()]) {
                Ok(0) => break,
                Ok(read) => head.extend_from_slice(&more[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { head, rest })
    }

    fn into_input(self) -> Input {
        BufReader::with_capacity(AHEAD, Box::new(Cursor::new(self.head).chain(self.rest)))
    }

    fn decompressed(self) -> io::Result<Self> {
        if self.head.starts_with(&GZIP) {
            Self::new(Box::new(GzipMembers { member: Some(GzDecoder::new(self.into_input())), first: true }))
        } else if self.head == ZSTD || is_skippable(&self.head) {
            Self::new(Box::new(ZstdFrames::new(self.into_input())?))
        } else {
            Ok(self)
        }
    }
}

/// Returns whether more bytes may still show that the input is compressed or not UTF-8.
fn is_undecided(head: &[u8]) -> bool {
    let (Some((first, rest)), Some(second)) = (head.split_first(), head.get(1)) else { return true };
    let skippable = matches!(first, 0x50..=0x5f) && SKIPPABLE.starts_with(rest);
    ZSTD.starts_with(head) || skippable || *first == 0 || *second == 0 || [*first, *second] == [0xff, 0xfe]
}

fn is_skippable(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, magic @ ..] if *magic == SKIPPABLE)
}

/// The fault of a compressed input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// It ends too early.
    Truncated(&'static str),
    /// The checksum does not match.
    Checksum(&'static str),
    /// The data are not valid.
    Corrupt(&'static str),
    /// Other data follow.
    Trailing(&'static str),
    /// A zstd dictionary is needed.
    Dictionary,
    /// A zstd window is larger than the decoder accepts.
    Window,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Truncated(format) => write!(f, "the {format} data ends too early"),
            Damage::Checksum(format) => write!(f, "the {format} data does not match its checksum"),
            Damage::Corrupt(format) => write!(f, "the {format} data is damaged"),
            Damage::Trailing(format) => write!(f, "other data follows the {format} data"),
            Damage::Dictionary => f.write_str("the zstd data needs a dictionary"),
            Damage::Window => f.write_str("the zstd data needs a window of more than 100 MB"),
        }
    }
}

impl Error for Damage {}

impl Damage {
    /// Returns the remedy for a failed read, if it is a damaged input.
    pub(super) fn remedy(error: &io::Error) -> Option<&'static str> {
        let damage = error.get_ref()?.downcast_ref::<Damage>()?;
        Some(match damage {
            Damage::Truncated(_) | Damage::Checksum(_) | Damage::Corrupt(_) => "copy the file, or compress it, again",
            Damage::Trailing(_) => "remove what follows the compressed data",
            Damage::Dictionary => "compress the file without a dictionary, or decompress it first",
            Damage::Window => "compress the file without `--long`, or decompress it first",
        })
    }
}

impl From<Damage> for io::Error {
    fn from(damage: Damage) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, damage)
    }
}

/// The members of a gzip file, one after the other. Zeros that pad it are not part of it.
struct GzipMembers {
    member: Option<GzDecoder<Input>>,
    first: bool,
}

impl Read for GzipMembers {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(into).map_err(|error| gzip_error(error, self.first))?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            let Some(mut input) = self.member.take().map(GzDecoder::into_inner) else { break };
            self.first = false;
            if let Some(next) = skip_zeros(&mut input)? {
                if next != GZIP[0] {
                    return Err(Damage::Trailing("gzip").into());
                }
                self.member = Some(GzDecoder::new(input));
            }
        }
        Ok(0)
    }
}

fn gzip_error(error: io::Error, first: bool) -> io::Error {
    let text = error.to_string();
    match error.kind() {
        _ if error.raw_os_error().is_some() => error,
        io::ErrorKind::UnexpectedEof => Damage::Truncated("gzip").into(),
        _ if text.contains("checksum") => Damage::Checksum("gzip").into(),
        _ if text.contains("header") && !first => Damage::Trailing("gzip").into(),
        _ => Damage::Corrupt("gzip").into(),
    }
}

/// Skips zeros. Returns the byte that follows them.
fn skip_zeros(input: &mut Input) -> io::Result<Option<u8>> {
    loop {
        let ahead = input.fill_buf()?;
        let next = ahead.iter().copied().find(|byte| *byte != 0);
        let (zeros, ended) = (ahead.iter().take_while(|byte| **byte == 0).count(), ahead.is_empty());
        input.consume(zeros);
        if next.is_some() || ended {
            return Ok(next);
        }
    }
}

/// The frames of a zstd file, one after the other, without the skippable ones.
struct ZstdFrames {
    input: Input,
    decoder: FrameDecoder,
    state: Frame,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// Before the first frame.
    Start,
    Inside,
    /// After a frame.
    Between,
}

impl ZstdFrames {
    /// A frame without content. The decoder checks the window of a frame only if another one came before it.
    const EMPTY: [u8; 9] = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00];

    fn new(input: Input) -> io::Result<Self> {
        let mut decoder = FrameDecoder::new();
        decoder.init(&Self::EMPTY[..]).map_err(|error| zstd_error(&error, Frame::Start))?;
        Ok(Self { input, decoder, state: Frame::Start })
    }

    /// Reads the header of the next frame, unless the input ends here.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.input.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.input) {
                Ok(()) => {
                    self.state = Frame::Inside;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut (&mut self.input).take(length), &mut io::sink())? < length {
                        return Err(Damage::Truncated("zstd").into());
                    }
                }
                Err(error) => return Err(zstd_error(&error, self.state)),
            }
        }
        Ok(false)
    }

    /// Ends a frame: all its content has been read.
    fn end_frame(&mut self) -> io::Result<()> {
        self.state = Frame::Between;
        let written = self.decoder.get_checksum_from_data();
        if written.is_some() && written != self.decoder.get_calculated_checksum() {
            return Err(Damage::Checksum("zstd").into());
        }
        Ok(())
    }
}

impl Read for ZstdFrames {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.state == Frame::Inside || self.next_frame()? {
            // One block at a time: a small file may have a large content.
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let decoded = self.decoder.decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1));
                decoded.map_err(|error| zstd_error(&error, self.state))?;
            }
            let read = self.decoder.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            self.end_frame()?;
        }
        Ok(0)
    }
}

fn zstd_error(error: &FrameDecoderError, state: Frame) -> io::Error {
    match error {
        FrameDecoderError::DictNotProvided { .. } => return Damage::Dictionary.into(),
        FrameDecoderError::WindowSizeTooBig { .. }
        | FrameDecoderError::FrameHeaderError(FrameHeaderError::WindowTooBig { .. }) => return Damage::Window.into(),
        FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::BadMagicNumber(_)) if state == Frame::Between => {
            return Damage::Trailing("zstd").into();
        }
        _ => {}
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(here) = cause {
        if let Some(error) = here.downcast_ref::<io::Error>() {
            return match (error.raw_os_error(), error.kind()) {
                (Some(number), _) => io::Error::from_raw_os_error(number),
                (None, io::ErrorKind::UnexpectedEof) => Damage::Truncated("zstd").into(),
                _ => Damage::Corrupt("zstd").into(),
            };
        }
        cause = here.source();
    }
    Damage::Corrupt("zstd").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const TEXT: &[u8] = b"{\"name\": \"Anse\", \"piers\": [1, 2, 3, 1, 2, 3, 1, 2, 3]}";

    /// Returns one byte at a time, as a slow pipe may.
    struct Slow(Cursor<Vec<u8>>);

    impl Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let room = into.len().min(1);
            self.0.read(&mut into[..room])
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_large_file_is_read_in_halves() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.json");
        let text = |length: u64| (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect::<Vec<u8>>();
        for (bytes, most, expected) in [
            (text(LARGE), usize::MAX, false),
            (text(LARGE + 1), usize::MAX, true),
            (text(LARGE + 2), usize::MAX, true),
            (text(LARGE + 2), 1 << 20, false),
            ([&GZIP[..], &text(LARGE)].concat(), usize::MAX, false),
            ([&ZSTD[..], &text(LARGE)].concat(), usize::MAX, false),
            ([&[0x5f][..], &SKIPPABLE, &text(LARGE)].concat(), usize::MAX, false),
        ] {
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(read_large(&path, most), expected.then_some(bytes.into()));
        }
        assert_eq!(read_large(folder.path(), usize::MAX), None);
        assert_eq!(read_large(&folder.path().join("none"), usize::MAX), None);
    }

    fn read_from(raw: Raw) -> Result<Vec<u8>, String> {
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            Peeked::new(raw)?.decompressed()?.into_input().read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|error| error.to_string())
    }

    /// Decompresses at once and byte by byte, with one outcome.
    fn read(bytes: &[u8]) -> Result<Vec<u8>, String> {
        let whole = read_from(Box::new(Cursor::new(bytes.to_vec())));
        assert_eq!(whole, read_from(Box::new(Slow(Cursor::new(bytes.to_vec())))));
        whole
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn skippable(number: u8, content: &[u8]) -> Vec<u8> {
        [&[0x50 + number, 0x2a, 0x4d, 0x18][..], &(content.len() as u32).to_le_bytes(), content].concat()
    }

    #[test]
    fn every_valid_form_is_decompressed() {
        let (start, end) = TEXT.split_at(20);
        let (skip, pad) = (skippable(0, b"an index"), [0; 700]);
        for (name, bytes) in [
            ("plain", TEXT.to_vec()),
            ("gzip", gzip(TEXT)),
            ("gzip members", [gzip(start), gzip(end)].concat()),
            ("an empty gzip member", [gzip(b""), gzip(TEXT)].concat()),
            ("padded gzip", [&gzip(TEXT)[..], &pad].concat()),
            ("padded gzip members", [&gzip(start)[..], &pad, &gzip(end)].concat()),
            ("zstd", zstd(TEXT)),
            ("zstd frames", [zstd(start), zstd(b""), zstd(end)].concat()),
            ("a skippable frame first", [skip.clone(), zstd(TEXT)].concat()),
            (
                "skippable frames of every number",
                [skippable(15, b""), zstd(start), skip.clone(), zstd(end), skip].concat(),
            ),
        ] {
            assert_eq!(read(&bytes).as_deref(), Ok(TEXT), "{name}");
        }
        assert_eq!(read(b"").as_deref(), Ok(&b""[..]));
        assert_eq!(read(&skippable(3, b"alone")).as_deref(), Ok(&b""[..]));
        for short in [&b"{"[..], b"P", b"(\xb5", b"\x1f"] {
            assert_eq!(read(short).as_deref(), Ok(short));
        }
    }

    #[test]
    fn a_stream_that_ends_early_is_never_read_as_a_shorter_one() {
        for (bytes, first) in [(gzip(TEXT), 2), (zstd(TEXT), 4), ([skippable(0, b"xyz"), zstd(TEXT)].concat(), 4)] {
            for end in first..bytes.len() {
                let read = read(&bytes[..end]);
                // After a skippable frame the input may end.
                let empty = bytes[0] == 0x50 && end == 11;
                let early = read.as_ref().is_err_and(|error| error.ends_with("data ends too early"));
                assert!(early || empty, "{end} of {}: {read:?}", bytes.len());
            }
        }
    }

    #[test]
    fn damage_is_an_error_in_words() {
        let flipped = |mut bytes: Vec<u8>, from_end: usize| {
            let at = bytes.len() - from_end;
            bytes[at] ^= 1;
            bytes
        };
        let frame = |header: &[u8]| [&ZSTD[..], header, &[0x01, 0x00, 0x00]].concat();
        for (bytes, message) in [
            (flipped(gzip(TEXT), 8), "the gzip data does not match its checksum"),
            (flipped(zstd(TEXT), 1), "the zstd data does not match its checksum"),
            ([&gzip(TEXT)[..], b"\n"].concat(), "other data follows the gzip data"),
            ([&gzip(TEXT)[..], b"{\"more\": true, \"than\": 10}"].concat(), "other data follows the gzip data"),
            ([&zstd(TEXT)[..], b"{\"more\": true}"].concat(), "other data follows the zstd data"),
            (frame(&[0x21, 0x07, 0x00]), "the zstd data needs a dictionary"),
            (frame(&[0x00, 20 << 3]), "the zstd data needs a window of more than 100 MB"),
            (frame(&[0x00, 31 << 3]), "the zstd data needs a window of more than 100 MB"),
            (frame(&[0xe0, 0, 0, 0, 0, 0, 1, 0, 0]), "the zstd data needs a window of more than 100 MB"),
            ([&ZSTD[..], &[0x20, 0x00, 0x07, 0x00, 0x00]].concat(), "the zstd data is damaged"),
            ([&GZIP[..], &[0x08, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff]].concat(), "the gzip data is damaged"),
        ] {
            let read = read(&bytes);
            assert_eq!(read.as_ref().map_err(String::as_str), Err(message), "{bytes:02x?}");
        }
    }

    #[test]
    fn no_changed_byte_stops_the_decoder_or_shows_its_internals() {
        for bytes in [gzip(TEXT), zstd(TEXT), zstd(&TEXT.repeat(50))] {
            for at in 4..bytes.len() {
                for bit in 0..8 {
                    let mut changed = bytes.clone();
                    changed[at] ^= 1 << bit;
                    if let Err(message) = read_from(Box::new(Cursor::new(changed))) {
                        assert!(message.contains("data") && !message.contains(['{', '(', ':']), "{message}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_bomb_is_decompressed_only_as_far_as_it_is_read() {
        let bomb = zstd(&vec![b' '; 64 << 20]);
        let input = Peeked::new(Box::new(Cursor::new(bomb))).and_then(Peeked::decompressed).unwrap().into_input();
        let mut bytes = Vec::new();
        assert_eq!(input.take(1000).read_to_end(&mut bytes).unwrap(), 1000);
    }
}
