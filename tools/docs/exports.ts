import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";

const root = join(import.meta.dirname, "../..");

/** A name that a package exports, as its source describes it. */
export interface Exported {
  name: string;
  kind: "function" | "type" | "value";
  /** The declaration without bodies and default values' code. */
  signature: string;
  /** The docstring's prose; empty where there is none. */
  description: string;
  tags: { name: string; text: string }[];
  /** The file of the declaration, from the repository's root. */
  file: string;
}

export const packageNames = (): string[] => readdirSync(join(root, "packages")).sort();

/** What every package exports from its `src/index.ts`, sorted by name within its file. */
export function exportsOfPackages(): Map<string, Exported[]> {
  const config = ts.readConfigFile(join(root, "tsconfig.base.json"), ts.sys.readFile).config;
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const indexes = packageNames().map((name) => join(root, "packages", name, "src/index.ts"));
  const program = ts.createProgram([...indexes, join(root, "types/wgsl.d.ts")], options);
  const checker = program.getTypeChecker();
  return new Map(
    packageNames().map((name, i) => {
      const module = checker.getSymbolAtLocation(program.getSourceFile(indexes[i]!)!)!;
      return [name, checker.getExportsOfModule(module).flatMap((symbol) => describe(symbol, checker))];
    }),
  );
}

function describe(symbol: ts.Symbol, checker: ts.TypeChecker): Exported[] {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const declaration = target.declarations?.[0];
  // What another package exports is described there.
  if (declaration === undefined) return [];
  const file = relative(root, declaration.getSourceFile().fileName);
  const isFunction = (target.flags & ts.SymbolFlags.Function) !== 0 || callSignatures(target, declaration, checker).length > 0;
  const isType = (target.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias)) !== 0;
  const tags = target.getJsDocTags(checker).map((tag) => ({ name: tag.name, text: ts.displayPartsToString(tag.text) }));
  return [
    {
      name: symbol.name,
      kind: isType ? "type" : isFunction ? "function" : "value",
      signature: isType ? declaration.getText() : signatureOf(target, declaration, checker),
      description: ts.displayPartsToString(target.getDocumentationComment(checker)),
      tags,
      file,
    },
  ];
}

const callSignatures = (symbol: ts.Symbol, declaration: ts.Node, checker: ts.TypeChecker): readonly ts.Signature[] =>
  checker.getTypeOfSymbolAtLocation(symbol, declaration).getCallSignatures();

function signatureOf(symbol: ts.Symbol, declaration: ts.Declaration, checker: ts.TypeChecker): string {
  const flags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.WriteArrowStyleSignature;
  // As written, where it is written out: names of parameters and types are the author's.
  if (ts.isFunctionDeclaration(declaration)) {
    const overloads = (symbol.declarations ?? []).filter(ts.isFunctionDeclaration);
    const shown = overloads.length > 1 ? overloads.filter(({ body }) => body === undefined) : overloads;
    return shown
      .map((each) =>
        each
          .getText()
          .slice(0, each.body ? each.body.getStart() - each.getStart() : undefined)
          .trim(),
      )
      .join("\n");
  }
  const type = checker.getTypeOfSymbolAtLocation(symbol, declaration);
  return `const ${symbol.name}: ${checker.typeToString(type, declaration, flags)}`;
}
