import js from '@eslint/js'
import tseslint from 'typescript-eslint'

/** Which rooms may not import which: the folder rules of ARCHITECTURE.md. */
const forbid = (files, patterns, message) => ({
  files,
  rules: { 'no-restricted-imports': ['error', { patterns: [{ group: patterns, message }] }] },
})

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.lab/'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
    },
  },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
  forbid(['src/model/**'], ['../*'], 'model imports only itself'),
  forbid(['src/store/**'], ['*/agent/*', '*/scheduler/*', '*/cli/*', '*/standalone/*'], 'store knows no program'),
  forbid(
    ['src/agent/**'],
    ['*/scheduler/*', '*/cli/*', '*/standalone/*'],
    'the agent imports neither scheduler nor cli',
  ),
  forbid(['src/agent/plan/**'], ['*/store/*', '*/host/*'], 'planners do no I/O'),
  forbid(
    ['src/scheduler/**'],
    ['*/agent/*', '*/cli/*', '*/standalone/*'],
    'the scheduler imports neither agent nor cli',
  ),
  forbid(
    ['src/cli/**'],
    ['*/agent/*', '*/scheduler/*', '*/store/*', '*/standalone/*'],
    'the cli talks to the socket alone',
  ),
)
