import { writeFileSync } from 'node:fs'
import { openApiFile, openApiText } from './openApi.js'

writeFileSync(openApiFile, await openApiText())
