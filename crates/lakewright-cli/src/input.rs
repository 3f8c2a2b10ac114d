//! Input of a command: files, stdin, and confirmations on the terminal.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use bytes::Bytes;
use futures::StreamExt;
use lakewright::spec::Spec;
use lakewright::{ByteStream, Error, ErrorKind};

use crate::failure::io_error;
use crate::stderr;

/// The size of the chunks in which stdin is read, in bytes: a pipe holds 64 KiB, and a file
/// returns as many bytes as requested.
const CHUNK: usize = 256 << 10;

/// How many chunks are read ahead of the upload.
const READ_AHEAD: usize = 8;

/// Returns the bytes of stdin as a stream. A thread reads them, because a blocked read of a
/// terminal cannot be cancelled and would keep the runtime from shutting down.
pub(crate) fn stdin() -> ByteStream {
    let (sender, receiver) = tokio::sync::mpsc::channel(READ_AHEAD);
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            let read = stdin.by_ref().take(CHUNK as u64).read_to_end(&mut chunk);
            let chunk = match read {
                Ok(0) => return,
                Ok(_) => Ok(Bytes::from(chunk)),
                Err(error) => Err(io_error(error, "stdin").during("read")),
            };
            let failed = chunk.is_err();
            if sender.blocking_send(chunk).is_err() || failed {
                return;
            }
        }
    });
    futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    })
    .fuse()
    .boxed()
}

/// Returns the name of an input file for messages: its path, or `stdin` for `-`.
pub(crate) fn display_name(file: &Path) -> String {
    if file == Path::new("-") { "stdin".into() } else { file.display().to_string() }
}

/// Reads a file, or stdin for `-`. At most `max_bytes` and one more are read, so that a caller can
/// reject a longer file without holding it in memory.
pub(crate) fn read(
    file: &Path,
    max_bytes: usize,
    operation: &'static str,
) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let limit = max_bytes as u64 + 1;
    let read = if file == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.map_err(|error| io_error(error, display_name(file)).during(operation))?;
    Ok(bytes)
}

/// Reads a spec from a file, or from stdin for `-`.
///
/// # Errors
/// Those of [`Spec::from_json`], which name the path in the spec as the resource and not the file:
/// the command line above the message names it.
pub(crate) fn read_spec(file: &Path, operation: &'static str) -> Result<Spec, Error> {
    Spec::from_json(&read(file, Spec::MAX_BYTES, operation)?)
}

/// Asks for confirmation: `effect` continues the sentence "This …".
///
/// # Errors
/// `InvalidInput` when the user does not enter yes, and without a terminal.
pub(crate) async fn confirm(effect: &str) -> Result<(), Error> {
    let answer = ask(effect, "Continue? [y/N]").await?;
    match answer.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Error::invalid_input("nothing was done: the answer was not yes")),
    }
}

/// Asks for confirmation as [`confirm`] does, but only `name` confirms: typing a name is never a
/// habit, as typing `y` is.
pub(crate) async fn confirm_by_name(effect: &str, name: &str) -> Result<(), Error> {
    let answer = ask(effect, &format!("Type {name} to continue:")).await?;
    if answer == name {
        return Ok(());
    }
    Err(Error::invalid_input(format!("nothing was done: the answer was not {name}")))
}

/// Asks a question on the terminal and returns the line that the user enters, without surrounding
/// white space.
async fn ask(effect: &str, question: &str) -> Result<String, Error> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let why = format!("this {effect}, and there is no terminal to confirm it: pass --yes");
        return Err(Error::invalid_input(why));
    }
    stderr::write(&format!("This {effect}. {question} "));
    // A thread reads, so that Ctrl-C takes effect while the read is blocked.
    let (sender, answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line);
        // Sending fails only after Ctrl-C, when the receiver has been dropped.
        let _ = sender.send(read.map(|_| line));
    });
    let answer =
        answer.await.map_err(|_| Error::new(ErrorKind::Internal, "reading the answer failed"))?;
    let answer = answer.map_err(|error| io_error(error, "stdin"))?;
    Ok(answer.trim().to_owned())
}
