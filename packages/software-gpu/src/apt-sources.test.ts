import { expect, test } from "vitest";
import { formatDeb822, parseDeb822, parseOneLine, releaseStanzas } from "./apt-sources.ts";

const debian = `Types: deb
# a snapshot that nobody uses
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`;

test("the release's own paragraph is found and suites of the release are kept", () => {
  const { kept, main, suite } = releaseStanzas(parseDeb822(debian), "bookworm");
  expect(suite).toBe("bookworm");
  expect(main?.uris).toBe("http://mirror.example/debian");
  expect(main?.["signed-by"]).toBe("/usr/share/keyrings/debian-archive-keyring.gpg");
  expect(kept.map((stanza) => stanza.suites)).toEqual(["bookworm bookworm-updates", "bookworm-security"]);
});

test("sources of others, source packages and disabled paragraphs are left out", () => {
  const text = `Types: deb-src\nURIs: http://a.example\nSuites: bookworm\nComponents: main

Enabled: no\nTypes: deb\nURIs: http://b.example\nSuites: bookworm\nComponents: main

Types: deb\nURIs: http://c.example\nSuites: nodistro bookwormish\nComponents: main

Types: deb\nURIs: http://d.example\nSuites: bookworm\nComponents: contrib`;
  expect(releaseStanzas(parseDeb822(text), "bookworm")).toEqual({ kept: [] });
});

test("a machine that follows stable by alias keeps the alias", () => {
  const { suite, kept } = releaseStanzas(parseOneLine("deb http://mirror.example/debian stable main contrib\n"), "trixie");
  expect(suite).toBe("stable");
  expect(kept[0]?.components).toBe("main contrib");
});

test("the one-line format keeps its options, in deb822 spelling", () => {
  const line =
    "deb [arch=amd64,arm64 signed-by=/k.gpg] cdrom:x noble main universe # local\n# deb http://no.example noble main\ndeb-src http://s.example noble main";
  expect(parseOneLine(line)).toEqual([
    {
      types: "deb",
      uris: "cdrom:x",
      suites: "noble",
      components: "main universe",
      architectures: "amd64 arm64",
      "signed-by": "/k.gpg",
    },
  ]);
});

test("a key block written into the source survives the way there and back", () => {
  const text =
    "Types: deb\nURIs: http://k.example\nSuites: bookworm\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc=\n";
  const [stanza] = parseDeb822(text);
  expect(stanza?.["signed-by"]).toBe("\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc=");
  expect(parseDeb822(formatDeb822([stanza!]))).toEqual([stanza]);
});

test("CRLF, an empty file and a file of comments are read", () => {
  expect(parseDeb822(debian.replaceAll("\n", "\r\n"))).toEqual(parseDeb822(debian));
  expect(parseDeb822("")).toEqual([]);
  expect(parseDeb822("# nothing\n\n# here\n")).toEqual([]);
});
