//! `lakewright man`

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man as Page;

use crate::context::Context;
use crate::failure::{CommandResult, io_error};

/// Print or write the manual pages
///
/// Prints the page lakewright(1), or the page of the given verb. With --dir all pages are written
/// to files in that directory, and the files are listed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright man | man -l -
  lakewright man object put | man -l -
  lakewright man --dir ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// The noun and the verb
    #[arg(value_name = "NOUN VERB", conflicts_with = "dir")]
    path: Vec<String>,
    /// Write all pages to this directory
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Man {
    /// Prints or writes pages for `grammar`, the whole command line.
    pub(crate) fn run(self, mut grammar: Command, context: &mut Context) -> CommandResult {
        grammar.build();
        let Some(dir) = self.dir else {
            let page = render(find(grammar, &self.path)?)?;
            return context.out.bytes(&page);
        };
        let failed = |error| io_error(error, dir.display().to_string()).during("man");
        std::fs::create_dir_all(&dir).map_err(failed)?;
        for (name, command) in pages(grammar) {
            let path = dir.join(format!("{name}.1"));
            std::fs::write(&path, render(command)?)
                .map_err(|error| io_error(error, path.display().to_string()).during("man"))?;
            context.out.bytes(format!("{}\n", path.display()).as_bytes())?;
        }
        Ok(())
    }
}

/// Returns the command for the words of `path`, named as its page.
fn find(grammar: Command, path: &[String]) -> CommandResult<Command> {
    let mut command = grammar;
    let mut name = String::from("lakewright");
    for word in path {
        command = command.find_subcommand(word).cloned().ok_or_else(|| {
            lakewright::Error::invalid_input(format!("{name} has no verb {word:?}"))
        })?;
        name = format!("{name}-{word}");
    }
    Ok(with_name(command, &name))
}

/// Returns the commands that have a page, each with the name of the page.
pub(crate) fn pages(grammar: Command) -> Vec<(String, Command)> {
    let mut pages = Vec::new();
    collect(grammar, "lakewright", &mut pages);
    pages
}

fn collect(command: Command, name: &str, pages: &mut Vec<(String, Command)>) {
    let is_shown = |verb: &&Command| verb.get_name() != "help" && !verb.is_hide_set();
    for verb in command.get_subcommands().filter(is_shown) {
        collect(verb.clone(), &format!("{name}-{}", verb.get_name()), pages);
    }
    pages.push((name.to_owned(), with_name(command, name)));
}

/// Names a command as its page, because the page's title is the command's name.
fn with_name(command: Command, name: &str) -> Command {
    // Names of clap commands are 'static; the process ends after the pages are written.
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    command.name(name)
}

/// Returns the manual page of a command in roff.
pub(crate) fn render(command: Command) -> CommandResult<Vec<u8>> {
    let mut page = Vec::new();
    Page::new(command.disable_help_subcommand(true))
        .render(&mut page)
        .map_err(|error| io_error(error, "manual page"))?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_found_by_their_path() {
        let grammar = Command::new("lakewright")
            .subcommand(Command::new("object").subcommand(Command::new("put")));
        let put = find(grammar.clone(), &["object".into(), "put".into()]).unwrap();
        assert_eq!(put.get_name(), "lakewright-object-put");
        assert!(find(grammar, &["object".into(), "fly".into()]).is_err());
    }
}
