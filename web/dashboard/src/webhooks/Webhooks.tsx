import { Route, Switch } from 'wouter'
import { NotFound } from '../app/NotFound'
import { Endpoint } from './Endpoint'
import { Endpoints } from './Endpoints'

export default function Webhooks() {
  return (
    <Switch>
      <Route path="/webhooks" component={Endpoints} />
      <Route path="/webhooks/:id">{({ id }) => <Endpoint key={id} id={id} />}</Route>
      <Route>
        <NotFound />
      </Route>
    </Switch>
  )
}
