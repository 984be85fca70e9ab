import { Alert, List } from '@mantine/core'
import { sentence } from '../graph/errors'

export interface UserError {
  code: string
  message: string
  field: string[] | null
  retryAfter: number | null
}

/** What a payload's `userErrors` say. Those of a field that the form shows beside it can be left out. */
export function Refusals({ errors, except = [] }: { errors: UserError[]; except?: string[] }) {
  const rest = errors.filter((e) => !e.field || !except.includes(e.field[0] ?? ''))
  if (rest.length === 0) return null
  return (
    <Alert color="red" variant="light" title="This was refused" role="alert">
      <List size="sm" listStyleType="none">
        {rest.map((e) => (
          <List.Item key={`${e.code}${e.message}`} className="anywhere">
            {e.field && `${e.field.join('.')}: `}
            {sentence(e.message)}
            {e.retryAfter !== null && ` Try again in ${e.retryAfter} s.`}
          </List.Item>
        ))}
      </List>
    </Alert>
  )
}

/** What to show beside the input of a field; undefined when it was not refused. */
export function refusalOf(errors: UserError[], field: string): string | undefined {
  const error = errors.find((e) => e.field?.[0] === field)
  return error && sentence(error.message)
}
