import { Button, Group, Modal, Text } from '@mantine/core'
import type { Question } from './confirm'

interface Props {
  question: Question
  open: boolean
  onAnswer: (yes: boolean) => void
}

/** Asked for only when something is to be confirmed: dialogs are a large piece of script. */
export default function ConfirmDialog({ question, open, onAnswer }: Props) {
  return (
    <Modal opened={open} onClose={() => onAnswer(false)} title={question.title} centered closeButtonProps={{ 'aria-label': 'Close' }}>
      <Text size="sm" component="div">
        {question.body}
      </Text>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={() => onAnswer(false)} data-autofocus>
          Cancel
        </Button>
        <Button color={question.danger ? 'red.8' : undefined} onClick={() => onAnswer(true)}>
          {question.action}
        </Button>
      </Group>
    </Modal>
  )
}
