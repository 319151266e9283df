class SettleJob
  include Sidekiq::Job

  def perform(id)
    Order.transaction { Order.lock.find(id).settle! }
  end
end
