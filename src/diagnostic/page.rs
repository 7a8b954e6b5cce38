//! The pages of the codes: prose and an example. They are embedded from `tests/diagnostics`, where their cases are tests.

use super::Code;

/// The page of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The meaning of the code and the fix, in Markdown.
    pub paragraphs: Vec<String>,
    /// The first case.
    pub example: Option<Example>,
}

/// A case of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The heading.
    pub heading: String,
    /// Names and contents of the input blocks. An edit of a file is a diff.
    pub inputs: Vec<(String, String)>,
    /// The diagnostics, without the totals of the run.
    pub output: String,
}

/// The sentence for readers of the repository, which names the files that the cases edit.
const ABOUT_CASES: &str = "The cases edit the pack ";

impl Page {
    /// Returns the page of a code.
    pub fn of(code: Code) -> Self {
        Self::parse(code.page())
    }

    /// Reads the Markdown of a page.
    fn parse(text: &str) -> Self {
        let mut sections = text.split("\n## ");
        let prose = sections.next().unwrap_or_default().split("\n\n").skip(1).map(str::trim);
        let paragraphs = prose.filter(|text| !text.is_empty() && !text.starts_with(ABOUT_CASES)).map(str::to_owned);
        Self { paragraphs: paragraphs.collect(), example: sections.next().and_then(Example::parse) }
    }
}

impl Example {
    fn parse(section: &str) -> Option<Self> {
        let (heading, rest) = section.split_once('\n')?;
        // Every second part is between fences: the words after the fence, then the content.
        let mut blocks: Vec<(&str, &str)> =
            rest.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect();
        let (_, output) = blocks.pop()?;
        let name = |info: &str| info.split_whitespace().nth(1).unwrap_or(info).to_owned();
        let inputs = blocks.iter().filter(|(info, _)| !info.ends_with(" absent"));
        let inputs = inputs.map(|(info, content)| match *info {
            "sh" | "sh process" => ("command".to_owned(), (*content).to_owned()),
            info => (name(info), (*content).to_owned()),
        });
        let output = output.rsplit_once("\n\n").map_or(output, |(diagnostics, _)| diagnostics);
        Some(Self { heading: heading.to_owned(), inputs: inputs.collect(), output: output.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Page};

    #[test]
    fn every_page_has_prose_and_no_markup_of_cases() {
        for code in Code::ALL {
            let page = Page::of(*code);
            assert!(page.paragraphs.len() >= 2, "{code}: a page states the meaning and the fix");
            let text = format!("{page:?}");
            assert!(!text.contains("```") && !text.contains("]("), "{code}: {text}");
            assert!(!text.contains("__cedar"), "{code}: a message shows an internal name");
        }
    }
}
