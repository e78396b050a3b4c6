#!/usr/bin/env node
// The files of others that the explorers consist of, from npm: assets.mjs FOLDER makes them as manifest.json says,
// assets.mjs --check FOLDER compares those that are here. Packages are kept in FOLDER. Prints a PASS or FAIL line for each.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'

const here = dirname(fileURLToPath(import.meta.url))
const isCheck = process.argv[2] === '--check'
const folder = resolve(process.argv.at(-1))
const manifest = JSON.parse(readFileSync(join(here, 'manifest.json')))
const own = new Set(['manifest.json', 'assets.mjs', ...manifest.flatMap(it => Object.values(it.files))])
let failed = 0

const say = (isRight, text) => {
  if (!isRight) failed++
  console.log(`${isRight ? 'PASS' : 'FAIL'} ${text}`)
}

// Unpacked; nothing if it cannot be read.
const read = file => {
  try {
    const kept = readFileSync(join(here, file))
    return file.endsWith('.gz') ? gunzipSync(kept) : kept
  } catch {
    return null
  }
}

mkdirSync(folder, { recursive: true })
for (const { name, version, integrity, files } of manifest) {
  const archive = join(folder, `${name}-${version}.tgz`)
  if (!existsSync(archive)) execFileSync('npm', ['pack', '--silent', `${name}@${version}`], { cwd: folder })
  const digest = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`
  say(digest === integrity, `${name} ${version} is ${digest === integrity ? 'what the manifest says' : `${digest}, not ${integrity}`}`)
  if (digest !== integrity) continue
  for (const [path, file] of Object.entries(files)) {
    const content = execFileSync('tar', ['xzOf', archive, `package/${path}`], { maxBuffer: 1 << 26 })
    if (isCheck) {
      say(read(file)?.equals(content), `${file} is ${path} of ${name} ${version}`)
    } else {
      writeFileSync(join(here, file), file.endsWith('.gz') ? gzipSync(content, { level: 9 }) : content)
    }
  }
}
for (const file of readdirSync(here)) if (!own.has(file)) say(false, `${file} stands in no manifest`)
process.exit(failed ? 1 : 0)
